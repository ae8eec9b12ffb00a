/** A panel in process: for development, where a page has its keys, and for tests. */
import type { Panel, PanelKey, PanelListener } from '#ports/panel.ts';

export class VirtualPanel implements Panel {
  readonly #listeners = new Set<PanelListener>();
  #isReady = true;

  get isReady(): boolean {
    return this.#isReady;
  }

  listen(listener: PanelListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  press(...keys: readonly PanelKey[]): void {
    if (!this.#isReady) return;
    for (const key of keys) for (const listener of [...this.#listeners]) listener.onKey(key);
  }

  unplug(): void {
    this.#become(false);
  }

  plugIn(): void {
    this.#become(true);
  }

  async close(): Promise<void> {
    this.#listeners.clear();
  }

  #become(isReady: boolean): void {
    if (this.#isReady === isReady) return;
    this.#isReady = isReady;
    for (const listener of [...this.#listeners]) listener.onChange(isReady);
  }
}
