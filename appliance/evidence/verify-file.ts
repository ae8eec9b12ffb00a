/** Verifies an export that lies in a file. */
import { createReadStream } from 'node:fs';
import { SekishoError } from '#contract/errors.ts';
import type { VerificationReport } from './report.ts';
import { type VerifyOptions, verifyExport } from './verify.ts';

const CHUNK_BYTES = 1 << 20;

/** Rejects with `evidence.export-invalid` when the file cannot be read; what is in it is told by the report. */
export async function verifyEvidenceFile(file: string, options?: VerifyOptions): Promise<VerificationReport> {
  try {
    return await verifyExport(createReadStream(file, { highWaterMark: CHUNK_BYTES }), options);
  } catch (cause) {
    throw new SekishoError('evidence.export-invalid', { cause });
  }
}
