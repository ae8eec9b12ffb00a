/** What Sekisho needs from Debian. Whoever runs another foreign command in a test adds its package here. */

/** To compile better-sqlite3, smartcard and sd-notify from source. */
export const BUILD_PACKAGES = ['python3', 'make', 'g++', 'libpcsclite-dev', 'libsystemd-dev'];

/** Debian keeps the headers of its own nodejs apart; every other distribution of Node brings them along. */
export const NODE_HEADERS_PACKAGE = 'libnode-dev';

/**
 * Card readers, slots for simulated cards behind a real pcscd, and the pty of the simulated PN532 (without them all cards
 * live in process); what watches the network card.
 */
export const RUNTIME_PACKAGES = ['pcscd', 'vsmartcard-vpcd', 'python3', 'iproute2'];

/** Foreign judges: each is asked by a test whether it agrees with us. */
export const TEST_PACKAGES = [
  'python3', // card IDs, computed a second way
  'openssl', // certificates, OCSP, time stamps, signatures, TLS
  'systemd', // the units, which it also runs
  'polkitd', // who may use the cards
  'opensc', // the simulated card
  'libnfc-bin', // the simulated PN532
  'libnfc-pn53x-examples', // the same, command by command
  'pcsc-tools', // the SAM, by script
  'libopenjp2-tools', // the photo
  'curl', // the HTTPS API
  'chromium', // the counter page
  'fonts-noto-cjk', // its Japanese
];
