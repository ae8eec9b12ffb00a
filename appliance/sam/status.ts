/** The SAM's own reading of status words (`docs/sam-profile.md` 3): none of its failures looks like a patient's card. */
import type { StatusTable } from '#card/status-word.ts';
import type { ErrorCode } from '#contract/errors.ts';

const SAM_SW = {
  locked: 0x6982,
  usesExhausted: 0x6983,
  disabled: 0x6984,
  wrongMoment: 0x6985,
  wrongSignature: 0x6988,
  notWellFormed: 0x6a80,
  unknownReference: 0x6a88,
} as const;

/** What "I refuse what you brought" means depends on what was brought. */
function statusTable(refusal: ErrorCode): StatusTable {
  return {
    otherwise: 'sam.failed',
    [SAM_SW.locked]: 'sam.locked',
    [SAM_SW.usesExhausted]: 'sam.uses-exhausted',
    [SAM_SW.disabled]: 'sam.disabled',
    [SAM_SW.wrongMoment]: refusal,
    [SAM_SW.wrongSignature]: refusal,
    [SAM_SW.notWellFormed]: refusal,
    [SAM_SW.unknownReference]: refusal,
  };
}

export const STATUS = {
  general: statusTable('sam.failed'),
  unlock: statusTable('sam.unlock-refused'),
  roster: statusTable('sam.roster-rejected'),
  personalisation: { otherwise: 'sam.personalisation-failed' },
} as const satisfies Record<string, StatusTable>;
