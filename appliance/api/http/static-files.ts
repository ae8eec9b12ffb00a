/** The counter page's files, read once at start. A request is a lookup by exact path: nothing to traverse. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
};

export interface StaticFile {
  readonly bytes: Buffer;
  readonly mediaType: string;
  readonly etag: string;
}

/** Files of `folder` by URL path; `index.html` is `/`. Files of unknown types (source maps) are left out. */
export function readStaticFiles(folder: string): ReadonlyMap<string, StaticFile> {
  const files = new Map<string, StaticFile>();
  for (const name of readdirSync(folder)) {
    const mediaType = MEDIA_TYPES[extname(name)];
    if (mediaType === undefined) continue;
    const bytes = readFileSync(join(folder, name));
    const etag = `"${createHash('sha256').update(bytes).digest('base64url')}"`;
    files.set(name === 'index.html' ? '/' : `/${name}`, { bytes, mediaType, etag });
  }
  return files;
}
