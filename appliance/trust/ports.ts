/** X.509 questions of the gateway, as a port. `appliance/trust/x509.ts` answers them. */

export interface CertificateFacts {
  readonly der: Uint8Array;
  /** Serial number bytes as in the certificate (no added sign byte removed). Leaves memory only hashed or derived. */
  readonly serial: Uint8Array;
  readonly issuerDer: Uint8Array;
  readonly subjectPublicKeyInfo: Uint8Array;
  /** SHA-256 of subjectPublicKeyInfo, hex. */
  readonly keyId: string;
  readonly algorithm: 'rsa-2048' | 'p-256' | 'p-384';
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly keyUsage: readonly string[];
  readonly policies: readonly string[];
  /** hcRole titles of an HPKI certificate (1.0.17090.0.1), for example "Medical Doctor". */
  readonly healthcareRoles: readonly string[];
}

export type TrustPurpose = 'jpki-authentication' | 'hpki-authentication' | 'sam-device' | 'time-stamping';

export interface Trust {
  /** Parses one DER certificate strictly; throws `card.protocol` when it is not one. */
  parse(der: Uint8Array): CertificateFacts;
  /**
   * Validates the path to a pinned anchor of `purpose` at `atMs`: signature, validity, basic constraints, key usage, policy.
   * The issuer is found by key, not by name (JPKI has several generations with one DN).
   */
  validate(
    certificate: CertificateFacts,
    purpose: TrustPurpose,
    atMs: number,
  ): Promise<
    | { readonly ok: true; readonly issuer: CertificateFacts }
    | { readonly ok: false; readonly reason: 'expired' | 'not-yet-valid' | 'untrusted' | 'wrong-usage' }
  >;
  /** Verifies a card's signature over `message`; the hash follows from the key. ECDSA signatures are raw. */
  verifyMessage(certificate: CertificateFacts, message: Uint8Array, signature: Uint8Array): boolean;
  /** CMS EnvelopedData of `content` for the SP's audit certificate, DER. */
  sealForAudit(content: Uint8Array): Promise<Uint8Array>;
}
