#!/usr/bin/env python3
"""Makes the SAM vectors from docs/sam-profile.md with the openssl command line and nothing of ours.

Usage: python3 generate.py FOLDER      (see README.md; new keys and signatures on every run)
"""
import hmac

from material import *  # noqa: F403
from secure_channel import level_vectors, personalisation_vectors


def select_vectors():
    def answer(sam_id):
        return tlv('6F', tlv('84', AID), tlv('A5', tlv('80', sam_id), tlv('9F08', b'\0\2')))
    command = apdu('00A40400', AID, 256)
    write('select', '4.1', [
        vector('personalised', command, answer(SAM_ID), samId=SAM_ID.hex()),
        vector('blank', command, answer(bytes(8)), samId='00' * 8),
        vector('no such application', command, status='6a82')])


def status_object(sam_id, state, counter, uses, ticks, roster, network):
    return tlv('DF20', tlv('80', sam_id), tlv('89', bytes([state])), tlv('83', u32(counter)), tlv('87', u16(uses)),
               tlv('84', u64(ticks)), tlv('85', TICK_NONCE), tlv('8A', TICK_PERIOD), tlv('86', u32(roster)),
               tlv('82', network))


def get_data_vectors():
    def status(name, sam_id, state, counter, uses, ticks, roster, network, state_name):
        return vector(f'status, {name}', apdu('00CADF20', b'', 256),
                      status_object(sam_id, state, counter, uses, ticks, roster, network),
                      state=state_name, useCounter=counter, usesLeft=uses, ticks=ticks, rosterVersion=roster,
                      networkId=network.hex(), tickNonce=TICK_NONCE.hex(), tickPeriodMs=1000)
    extended = 65536
    write('get-data', '4.2', [
        status('blank', bytes(8), 0, 0, 0, 1, 0, bytes(16), 'blank'),
        status('locked', SAM_ID, 1, 0xFFFFFFFE, 0, 5, 7, bytes(16), 'locked'),
        status('unlocked online', SAM_ID, 2, 41, 500, 2 ** 33, 7, NETWORK, 'unlocked-online'),
        status('unlocked offline', SAM_ID, 3, 41, 25, 60, 7, NETWORK, 'unlocked-offline'),
        status('disabled', SAM_ID, 4, 41, 0, 60, 7, bytes(16), 'disabled'),
        vector('device certificate', apdu('00CADF21', b'', extended), tlv('DF21', DEVICE_CERT), value=DEVICE_CERT.hex()),
        vector('institution code', apdu('00CADF22', b'', 256), tlv('DF22', tlv('93', INSTITUTION)),
               value=INSTITUTION.decode()),
        vector('profile id', apdu('00CADF23', b'', 256), tlv('DF23', PROFILE), value=PROFILE.decode()),
        vector('organisation certificate 01', apdu('00CADF30', b'', extended), CERT01, value=CERT01.hex()),
        vector('organisation certificate 02', apdu('00CADF31', b'', extended), CERT02, value=CERT02.hex()),
        vector('organisation certificate while locked', apdu('00CADF30', b'', extended), status='6982',
               error='sam.locked'),
        vector('organisation certificate that was never stored', apdu('00CADF31', b'', extended), status='6a88',
               error='sam.failed')])


def get_challenge_vectors():
    write('get-challenge', '4.3', [
        vector('32 random bytes', apdu('00840000', b'', 32), CHALLENGE, challenge=CHALLENGE.hex())])


def external_authenticate_vectors():
    def grant(challenge, uses, ticks):
        signed = tlv('E1', tlv('80', SAM_ID), tlv('81', challenge), tlv('82', NETWORK), tlv('8C', u16(uses)),
                     tlv('8D', u32(ticks)), tlv('94', u64(1790000000)))
        return signed + tlv('9E', sign('serviceProvider', signed))
    good = grant(CHALLENGE, 500, 43200)
    other = grant(sha256(b'another challenge'), 500, 43200)
    message = b'SEKISHO-OFFLINE-UNLOCK-1' + SAM_ID + CHALLENGE + NETWORK

    def operator(key, signature):
        key_id = sha256(spki(key))
        return vector(f'operator, {key}', apdu('00820002', tlv('E4', tlv('8B', key_id), tlv('82', NETWORK))
                                               + tlv('9E', signature)),
                      keyId=key_id.hex(), networkId=NETWORK.hex(), signature=signature.hex(), message=message.hex())
    by_rsa = operator('operatorRsa', sign('operatorRsa', message))
    by_ec = operator('operatorP384', sign_raw_p384('operatorP384', message))
    refusals = [vector(f'service provider, {why}', apdu('00820001', data), status=sw, grant=data.hex(), error=code)
                for why, data, sw, code in [('used challenge', good, '6985', 'sam.unlock-refused'),
                                            ('other challenge', other, '6988', 'sam.unlock-refused'),
                                            ('disabled', good, '6984', 'sam.disabled')]]
    unknown = {**by_rsa, 'name': 'operator, unknown or suspended', 'answer': '6a88', 'error': 'sam.unlock-refused'}
    write('external-authenticate', '4.4',
          [vector('service provider', apdu('00820001', good), grant=good.hex()), by_rsa, by_ec, *refusals, unknown],
          samId=SAM_ID.hex(), challenge=CHALLENGE.hex())


def internal_authenticate_vectors():
    data = sha256(b'sam vectors: tls exporter')
    signature = sign('device', b'SEKISHO-DEVICE-1' + data)
    write('internal-authenticate', '4.5', [
        vector('TLS exporter', apdu('00880001', data, 256), tlv('9E', signature), data=data.hex(),
               signature=signature.hex(), message=(b'SEKISHO-DEVICE-1' + data).hex()),
        vector('disabled', apdu('00880001', data, 256), status='6984', data=data.hex(), error='sam.disabled')])


def organisation_signature_vectors():
    def tap(suite, counter, ticks, le, signature):
        data = tlv('E5', tlv('8E', bytes([suite])), tlv('81', CARD_CHALLENGE), tlv('91', TAP_ID), tlv('88', CONSENT))
        preimage = (b'SEKISHO-TAP-1' + SAM_ID + u32(counter) + TAP_ID + CONSENT + CARD_CHALLENGE + u64(ticks)
                    + TICK_NONCE)
        tap_challenge = sha256(preimage)
        answer = tlv('E6', tlv('83', u32(counter)), tlv('84', u64(ticks)), tlv('92', tap_challenge),
                     tlv('9E', signature))
        return vector(f'suite 0{suite}', apdu('002A9E9A', data, le), answer, suite=suite, useCounter=counter,
                      ticks=ticks, preimage=preimage.hex(), tapChallenge=tap_challenge.hex(), signature=signature.hex())
    first = tap(1, 42, 61, 65536, sign('organisation01', CARD_CHALLENGE))
    second = tap(2, 43, 2 ** 33 + 1, 256, sign_raw_p384('organisation02', CARD_CHALLENGE))
    refusals = [{'name': f'refused {sw}', 'command': first['command'], 'answer': sw, 'suite': 1, 'error': code}
                for sw, code in [('6982', 'sam.locked'), ('6983', 'sam.uses-exhausted'), ('6984', 'sam.disabled'),
                                 ('6a88', 'sam.failed')]]
    write('compute-organisation-signature', '4.6', [first, second, *refusals], samId=SAM_ID.hex(),
          tickNonce=TICK_NONCE.hex(), tapId=TAP_ID.hex(), consentDigest=CONSENT.hex(),
          cardChallenge=CARD_CHALLENGE.hex(), publicKeys={'1': spki('organisation01').hex(),
                                                          '2': spki('organisation02').hex()})


def tick_stamp_vectors():
    digest = sha256(b'sam vectors: an evidence entry')
    stamp = tlv('E7', tlv('80', SAM_ID), tlv('84', u64(62)), tlv('85', TICK_NONCE), tlv('83', u32(42)),
                tlv('8A', TICK_PERIOD), tlv('88', digest))
    signature = sign('device', stamp)
    write('tick-stamp', '4.7', [
        vector('a digest', apdu('80100000', digest, 256), stamp + tlv('9E', signature), digest=digest.hex(),
               stamp=stamp.hex(), signature=signature.hex(), ticks=62, useCounter=42, tickPeriodMs=1000)],
          samId=SAM_ID.hex(), tickNonce=TICK_NONCE.hex(), devicePublicKey=spki('device').hex())


def derive_id_vectors():
    data = sha256(b'sam vectors: issuer and serial')
    derived = hmac.new(ID_KEY, b'SEKISHO-ID-1' + INSTITUTION + data, hashlib.sha256).digest()
    write('derive-id', '4.8', [
        vector('a serial digest', apdu('80120000', data, 256), derived, data=data.hex(), derived=derived.hex()),
        vector('locked', apdu('80120000', data, 256), status='6982', data=data.hex(), error='sam.locked')])


def sealed_to(recipient, wrapped):
    """UNWRAP DATA KEY for the holder of `recipient`, with everything that is computed on the way."""
    make_key('samEphemeral', *EC256)
    point, sam_point = spki(recipient)[-65:], spki('samEphemeral')[-65:]
    with open(path('point.der'), 'wb') as out:
        out.write(spki(recipient))
    shared = openssl('pkeyutl', '-derive', '-inkey', path('samEphemeral'), '-peerkey', path('point.der'),
                     '-peerform', 'DER')
    info = b'SEKISHO-DATA-KEY-SEAL-1' + SAM_ID + wrapped + point + sam_point
    kek = openssl('kdf', '-keylen', '32', '-kdfopt', 'digest:SHA256', '-kdfopt', f'hexsecret:{shared.hex()}',
                  '-kdfopt', f'hexinfo:{info.hex()}', '-binary', 'SSKDF')
    sealed = aes_wrap(kek, DATA_KEY)
    return point, sam_point, sealed, {'samEphemeralKey': private_scalar('samEphemeral').hex(),
                                      'sharedSecret': shared.hex(), 'fixedInfo': info.hex(),
                                      'sealingKey': kek.hex()}


def data_key_vectors():
    make_key('recipient', *EC256)
    spoilt = WRAPPED[:-1] + bytes([WRAPPED[-1] ^ 1])
    assert aes_wrap(STORAGE_KEY, DATA_KEY) == WRAPPED
    point, sam_point, sealed, steps = sealed_to('recipient', WRAPPED)
    off_curve = point[:-1] + bytes([point[-1] ^ 1])

    def unwrap(name, wrapped, to=point, **fields):
        return vector(f'unwrap, {name}', apdu('80140400', to + wrapped, 256), recipientPoint=to.hex(),
                      wrapped=wrapped.hex(), **fields)
    generate = apdu('80140300', b'', 256)
    write('data-key', '4.9', [
        vector('generate', generate, WRAPPED, wrapped=WRAPPED.hex()),
        vector('generate while locked', generate, status='6982', error='sam.locked'),
        unwrap('RFC 3394 section 4.6', WRAPPED, answer=sam_point + sealed, samPoint=sam_point.hex(),
               sealed=sealed.hex(), **steps),
        unwrap('while locked', WRAPPED, status='6982', error='sam.locked'),
        unwrap('a spoilt key', spoilt, status='6988', error='sam.failed'),
        unwrap('for a point off the curve', WRAPPED, off_curve, status='6a80', error='sam.failed')],
          samId=SAM_ID.hex(), recipientKey=private_scalar('recipient').hex(), dataKey=DATA_KEY.hex())


def roster_vectors():
    def update(version, *operators):
        entries = [tlv('E8', tlv('8B', sha256(spki(key))), tlv('8F', bytes([roles])), tlv('90', spki(key)))
                   for key, roles in operators]
        signed = tlv('E3', tlv('80', SAM_ID), tlv('86', u32(version)), *entries)
        return signed + tlv('9E', sign('serviceProvider', signed))
    two = update(7, ('operatorRsa', 0x03), ('operatorP384', 0x84))
    none = update(8)
    write('roster-update', '4.10', [
        vector('two operators', apdu('80160000', two), update=two.hex()),
        vector('no operators', apdu('80160000', none), update=none.hex()),
        vector('version not greater', apdu('80160000', two), status='6988', update=two.hex(),
               error='sam.roster-rejected'),
        vector('not well formed', apdu('80160000', two[:-1]), status='6a80', update=two[:-1].hex(),
               error='sam.roster-rejected')])


def lock_and_disable_vectors():
    signed = tlv('E2', tlv('80', SAM_ID), tlv('81', CHALLENGE))
    order = signed + tlv('9E', sign('serviceProvider', signed))
    write('lock', '4.11', [vector('at any time', apdu('80180000'))])
    write('disable', '4.12', [
        vector('by the service provider', apdu('801A0000', order), order=order.hex()),
        vector('used challenge', apdu('801A0000', order), status='6985', order=order.hex(),
               error='sam.unlock-refused')])


def keys_file():
    content = {'source': 'generator/; TEST KEYS, known to everybody',
               'privateKeysPkcs8': {name: pkcs8(name).hex() for name in KEYS},
               'idDerivationKey': ID_KEY.hex(), 'storageKey': STORAGE_KEY.hex()}
    with open(os.path.join(OUT, 'keys.json'), 'w', encoding='ascii') as out:
        json.dump(content, out, indent=2)
        out.write('\n')


for make in (keys_file, select_vectors, get_data_vectors, get_challenge_vectors, external_authenticate_vectors,
             internal_authenticate_vectors, organisation_signature_vectors, tick_stamp_vectors, derive_id_vectors,
             data_key_vectors, roster_vectors, lock_and_disable_vectors, level_vectors,
             personalisation_vectors):
    make()
