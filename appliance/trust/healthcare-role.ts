/**
 * hcRole of an HPKI certificate: who the holder is by qualification ("Medical Doctor", "General Nurse" …).
 * Absent for office staff, so a valid HPKI chain alone never means "is a doctor".
 *
 * @see ISO 17090-2 §7.2, HPKI certificate policy: `HCActorData ::= SET OF HCActor`
 */
import { type Certificate, contents, EXTENSION } from './certificate.ts';
import { children, type Der, expect, parseOid, retag, sequenceOf, TAG } from './der.ts';

const HC_ROLE = '1.0.17090.0.1';
/** id-jhpki-cdata: the Japanese table of qualifications. A title of another scheme means nothing here. */
const HPKI_CODING_SCHEME = '1.2.392.100495.1.6.1.1';

const UTF8_STRING = 0x0c;
const CONTEXT = { constructed: 0xa0, primitive: 0x80, number: 0x1f } as const;

/** A `[n]` member read as `tag`, whether its module says EXPLICIT or IMPLICIT: issued cards differ. */
function member(parent: Iterable<Der>, number: number, tag: number): Der | undefined {
  for (const node of parent) {
    if (node.tag < CONTEXT.primitive || (node.tag & CONTEXT.number) !== number) continue;
    const inner = (node.tag & 0xe0) === CONTEXT.constructed ? [...children(node)] : [];
    const [only] = inner;
    return inner.length === 1 && only?.tag === tag ? only : retag(node, tag);
  }
  return undefined;
}

function parseActor(actor: Der): string | undefined {
  const codedData = member(sequenceOf(actor), 0, TAG.set);
  if (codedData === undefined) return undefined;
  const fields = sequenceOf(codedData, TAG.set);
  const scheme = member(fields, 0, TAG.oid);
  const title = member(fields, 2, UTF8_STRING);
  if (scheme === undefined || title === undefined || parseOid(scheme) !== HPKI_CODING_SCHEME)
    return undefined;
  return Buffer.from(title.value).toString('utf8');
}

/** Titles in the order of the certificate; empty when there is no hcRole. Throws MalformedDer. */
export function parseHealthcareRoles(certificate: Certificate): string[] {
  const extension = certificate.extensions.get(EXTENSION.subjectDirectoryAttributes);
  if (extension === undefined) return [];
  return sequenceOf(contents(extension)).flatMap((attribute) => {
    const [type, values] = sequenceOf(attribute);
    if (parseOid(expect(type, TAG.oid)) !== HC_ROLE) return [];
    const actors = sequenceOf(values, TAG.set).flatMap((data) => sequenceOf(data, TAG.set));
    return actors.map(parseActor).filter((title) => title !== undefined);
  });
}
