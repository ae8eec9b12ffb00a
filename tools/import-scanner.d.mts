export interface Import {
  /** Undefined where a dynamic import computes it. */
  readonly specifier: string | undefined;
  readonly line: number;
  readonly isDynamic: boolean;
  readonly isTypeOnly: boolean;
}

export function scanImports(source: string): Import[];
