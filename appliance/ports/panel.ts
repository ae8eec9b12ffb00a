/** The keys on the box: who presses them stands before it, whatever a screen or a phone says. */

/** A digit is its ASCII code, never text: bytes can be overwritten. */
export type PanelKey = 'ok' | 'cancel' | 'back' | number;

export interface PanelListener {
  onKey(key: PanelKey): void;
  /** Plugged in and ours alone, or not. */
  onChange(isReady: boolean): void;
}

export interface Panel {
  readonly isReady: boolean;
  /** Answers how to stop. */
  listen(listener: PanelListener): () => void;
  close(): Promise<void>;
}
