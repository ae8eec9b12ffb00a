/** What a line of `ip -o monitor label` means for one network card. */

export type MonitorNews =
  /** The cable is out, the access point lost, or the card gone. */
  | 'link-down'
  /** Something may be different: look. */
  | 'changed'
  | undefined;

/** `gatewayMac`: of whom a new MAC would be news; every other neighbour comes and goes. */
export function readMonitorLine(
  line: string,
  device: string,
  gateway: string | undefined,
  gatewayMac: string | undefined,
): MonitorNews {
  const match = /^\[(?<kind>\w+)\](?<deleted>Deleted )?(?<text>.*)$/.exec(line);
  const { kind, deleted, text = '' } = match?.groups ?? {};
  const words = text.split(/[\s\\]+/);
  switch (kind) {
    case 'LINK': {
      const [, name = '', flags = ''] = words;
      if (name.replace(/(@.*)?:$/, '') !== device) return undefined;
      const isUp = deleted === undefined && /[<,]LOWER_UP[,>]/.test(flags);
      return isUp ? 'changed' : 'link-down';
    }
    case 'ADDR':
      return words[1] === device ? 'changed' : undefined;
    case 'ROUTE':
      return valueAfter(words, 'dev') === device ? 'changed' : undefined;
    case 'NEIGH': {
      if (words[0] !== gateway || valueAfter(words, 'dev') !== device) return undefined;
      const mac = valueAfter(words, 'lladdr');
      return mac === undefined || mac === gatewayMac ? undefined : 'changed';
    }
    default:
      return undefined;
  }
}

function valueAfter(words: readonly string[], name: string): string | undefined {
  const index = words.indexOf(name);
  return index < 0 ? undefined : words[index + 1];
}
