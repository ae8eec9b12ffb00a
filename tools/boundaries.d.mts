/** Every violation in the tree at `root`, in order, as one line of text each. */
export function findViolations(root: string): string[];
