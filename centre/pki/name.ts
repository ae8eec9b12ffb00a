/** Distinguished names (X.501), as ordered `[attribute, value]` pairs with one attribute per RDN. */
import { oid, parseOid, printableString, sequence, setOf, TAG, utf8String } from '../asn1/der.ts';
import { parseTlv, TlvCursor } from '../asn1/tlv.ts';

const ATTRIBUTES = { C: '2.5.4.6', O: '2.5.4.10', OU: '2.5.4.11', L: '2.5.4.7', CN: '2.5.4.3' } as const;

export type Attribute = keyof typeof ATTRIBUTES;
export type Name = readonly (readonly [attribute: Attribute, value: string])[];

/** countryName is a PrintableString by definition (RFC 5280 appendix A); the others are UTF8String. */
export function encodeName(name: Name): Buffer {
  return sequence(
    ...name.map(([attribute, value]) =>
      setOf(
        sequence(oid(ATTRIBUTES[attribute]), attribute === 'C' ? printableString(value) : utf8String(value)),
      ),
    ),
  );
}

/** The last value of an attribute in an encoded name. */
export function findAttribute(encodedName: Uint8Array, attribute: Attribute): string | undefined {
  let value: string | undefined;
  for (const rdn of new TlvCursor(parseTlv(encodedName, TAG.sequence).content).rest()) {
    for (const pair of new TlvCursor(rdn.content).rest()) {
      const cursor = new TlvCursor(pair.content);
      if (parseOid(cursor.take(TAG.oid)) === ATTRIBUTES[attribute])
        value = cursor.any().content.toString('utf8');
    }
  }
  return value;
}
