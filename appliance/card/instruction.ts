/** Instruction bytes that we send. @see ISO 7816-4 §5.5; 80xx: JIS X 6319-3 §6.6 and docs/protocol-facts.md 1.8, 2.1 */
export const INS = {
  verify: 0x20,
  computeSignature: 0x2a,
  externalAuthenticate: 0x82,
  getChallenge: 0x84,
  internalAuthenticate: 0x88,
  loadCertificate: 0xa2,
  selectFile: 0xa4,
  setSessionKey: 0xae,
  readBinary: 0xb0,
  getResponse: 0xc0,
  getData: 0xca,
} as const;

const NAMES: ReadonlyMap<number, string> = new Map([
  [INS.verify, 'VERIFY'],
  [INS.computeSignature, 'COMPUTE SIGNATURE'],
  [INS.externalAuthenticate, 'EXTERNAL AUTHENTICATE'],
  [INS.getChallenge, 'GET CHALLENGE'],
  [INS.internalAuthenticate, 'INTERNAL AUTHENTICATE'],
  [INS.loadCertificate, 'LOAD CERTIFICATE'],
  [INS.selectFile, 'SELECT'],
  [INS.setSessionKey, 'SET SESSION KEY'],
  [INS.readBinary, 'READ BINARY'],
  [INS.getResponse, 'GET RESPONSE'],
  [INS.getData, 'GET DATA'],
]);

/** For traces and test diffs. */
export function instructionName(ins: number): string {
  return NAMES.get(ins) ?? `INS ${ins.toString(16).toUpperCase().padStart(2, '0')}`;
}
