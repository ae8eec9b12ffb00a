export interface Leftover {
  readonly pid: number;
  readonly command: string;
}

/** What the children of this run carry in their environment, and their children after them. */
export const MARK: Readonly<Record<string, string>>;
/** Every process that carries the mark. */
export function findLeftovers(): Leftover[];
/** Those that are still there after a moment of grace. */
export function waitForLeftovers(): Promise<Leftover[]>;
export function endLeftovers(leftovers: readonly Leftover[]): void;
