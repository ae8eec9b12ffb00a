/** The foreign referee, called without blocking the services that it talks to. Tests only. */
import { execFile } from 'node:child_process';

export interface OpensslResult {
  readonly code: number;
  /** Standard output, then standard error. */
  readonly text: string;
}

export function openssl(...args: readonly string[]): Promise<OpensslResult> {
  return new Promise((resolve) => {
    execFile('openssl', args, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), text: `${stdout}${stderr}` });
    });
  });
}
