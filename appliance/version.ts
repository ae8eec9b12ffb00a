/** The version that evidence, the API and the log name. `package.json` says the same; a test compares them. */
export const VERSION = '0.1.0';
