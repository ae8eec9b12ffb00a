/** An operator's card and a patient that one would notice wherever they turn up, and all marks to search for. */
import type { CardImage } from '#drivers/simulated/card/image.ts';
import { SimulatedCard } from '#drivers/simulated/card/simulated-card.ts';
import type { Region } from '../region.ts';
import { issueSeedCard, verificationNumberB } from '../seed-card.ts';
import { bytesCanary, type Canary, certificateCanary, certificateOf, textCanary } from './canary.ts';

/** Long enough to be nowhere by chance. RFC 5280 allows serial numbers of 20 bytes. */
export const SERIAL = '4caa7a51ec0ffee0c0de5eedfacade77';
export const OPERATOR_PIN = 'Kanarienvogel-73';
export const WRONG_PIN = 'Falscher-Vogel-9';
export const NAME = '金糸雀　鳴子';
const KANA = 'ｶﾅﾘｱ ﾅﾙｺ';
const ADDRESS = '架空県鳥籠市止まり木９－８－７';
export const SYMBOL = '鳥籠・Ｋ９';
export const NUMBER = '9081726354';
export const PATIENT_NUMBER = 'CANARY-00-42';

export interface MarkedPatient {
  readonly card: SimulatedCard;
  readonly image: CardImage;
  /** 照合番号B */
  readonly numberB: string;
}

export interface Marks {
  /** Of cards: nowhere. */
  readonly secrets: readonly Canary[];
  /** Of people: nowhere either, because patient data is sealed. */
  readonly personal: readonly Canary[];
}

/** The operator's own card, with a PIN that one would notice. */
export function markedOperatorCard({ wallet }: Region, operatorId: string): SimulatedCard {
  const image = structuredClone(wallet.get(operatorId)?.image);
  if (image === undefined) throw new Error(operatorId);
  for (const { pins } of image.applications) for (const pin of pins) pin.value = OPERATOR_PIN;
  return new SimulatedCard(image);
}

/** P0001 under a name, an insurance and a certificate that one would notice. */
export function markedPatient({ centre, cast }: Region): MarkedPatient {
  const like = cast.seedOf.get('P0001');
  const [certificate] = like?.certificates ?? [];
  const [entry] = like?.qualifications ?? [];
  if (like === undefined || certificate === undefined || entry === undefined) throw new Error('P0001');
  const person = {
    ...like,
    name: NAME,
    nameKana: KANA,
    address: ADDRESS,
    card: { ...like.card, securityCode: '7391' },
    certificates: [{ ...certificate, serial: SERIAL }],
  };
  const qualification = {
    ...entry.qualification,
    Name: NAME,
    NameKana: KANA,
    Address: ADDRESS,
    InsuredCardSymbol: SYMBOL,
    InsuredIdentificationNumber: NUMBER,
  };
  centre.eligibility.replaceQualifications('P0001', [{ ...entry, qualification }], Date.now());
  const issuer = centre.pki.jpkiAuthentication[certificate.generation].certificate.keyId;
  centre.eligibility.linkCertificate(issuer, Buffer.from(SERIAL, 'hex'), 'P0001');
  const image = issueSeedCard(centre.pki, person);
  return { card: new SimulatedCard(image), image, numberB: verificationNumberB(person) };
}

/** Of the marked patient, and of 見本　太郎 and 見本　花子. */
export function marksOf({ wallet }: Region, marked: MarkedPatient): Marks {
  const [taro, hanako] = [wallet.get('mihon-taro'), wallet.get('mihon-hanako')];
  if (taro === undefined || hanako === undefined) throw new Error('the wallet has changed');
  return {
    secrets: [
      bytesCanary('serial', Buffer.from(SERIAL, 'hex')),
      ...[taro, hanako].map(({ serial, person }) =>
        // Four bytes may stand anywhere by chance; with tag and length they do not.
        bytesCanary(`serial of ${person.id}`, Buffer.from(`0204${serial}`, 'hex')),
      ),
      certificateCanary('certificate', certificateOf(marked.image)),
      certificateCanary('certificate of mihon-taro', certificateOf(taro.image)),
      certificateCanary('certificate of mihon-hanako', certificateOf(hanako.image)),
      textCanary('PIN', OPERATOR_PIN, WRONG_PIN),
      textCanary(
        '照合番号B',
        marked.numberB,
        taro.person.verificationNumberB,
        hanako.person.verificationNumberB,
      ),
    ],
    personal: [
      textCanary('name', NAME, KANA, taro.person.name, hanako.person.name),
      textCanary('address', ADDRESS, taro.person.address),
      textCanary('insured number', SYMBOL, NUMBER),
      textCanary('patient number', PATIENT_NUMBER),
    ],
  };
}
