/** Committed data stays beside the sources; compiled code in `build/` reads it there too. */
const HERE = import.meta.url.replace(/\/build\/(?=drivers\/simulated\/[^/]*$)/, '/');

/** URL of a committed data file or folder of this room. */
export function dataUrl(path: string): URL {
  return new URL(path, HERE);
}
