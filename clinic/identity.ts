/** Who the development clinic is. Everything here is invented. */
export const CLINIC = {
  nameJa: '見本せきしょ診療所',
  nameEn: 'Sekisho Sample Clinic',
  /** Prefecture 99 does not exist. */
  institutionCode: '9910000017',
  samId: '5345534841303031',
} as const;
