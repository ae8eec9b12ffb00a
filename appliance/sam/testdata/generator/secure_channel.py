"""SCP03 after GlobalPlatform Amendment D, and the personalisation that runs through it."""
from material import *  # noqa: F403


ENC, MAC, DEK = (bytes(range(start, start + 16)) for start in (0x40, 0x50, 0x60))


def cmac(key, message):
    out = openssl('mac', '-cipher', 'AES-128-CBC', '-macopt', f'hexkey:{key.hex()}', '-in', '-', 'CMAC', data=message)
    return bytes.fromhex(out.decode().strip())


def cbc(key, iv, plain):
    return openssl('enc', '-aes-128-cbc', '-nopad', '-K', key.hex(), '-iv', iv.hex(), data=plain)


def pad(data):
    return data + b'\x80' + bytes(-(len(data) + 1) % 16)


def kdf(key, constant, size, context):
    return cmac(key, bytes(11) + bytes([constant, 0]) + u16(size * 8) + b'\1' + context)[:size]


class SecureChannel:
    def __init__(self, host_challenge, sequence, level=0x33):
        self.level = level
        self.card_challenge = kdf(ENC, 2, 8, sequence + AID)
        self.context = host_challenge + self.card_challenge
        self.enc, self.mac, self.rmac = (kdf(key, constant, 16, self.context)
                                         for key, constant in ((ENC, 4), (MAC, 6), (MAC, 7)))
        self.chain = bytes(16)
        self.counter = 0

    def maced(self, header, data, le):
        head = bytes.fromhex(header)
        head = bytes([head[0] | 0x04]) + head[1:]
        self.chain = cmac(self.mac, self.chain + head + bytes([len(data) + 8]) + data)
        return apdu(head.hex(), data + self.chain[:8], le)

    def icv(self, first):
        return cbc(self.enc, bytes(16), bytes([first]) + bytes(11) + u32(self.counter))

    def exchange(self, header, data, le, answer):
        self.counter += 1
        encrypted = cbc(self.enc, self.icv(0), pad(data)) if data and self.level & 0x02 else data
        protected = self.maced(header, encrypted, le)
        body = cbc(self.enc, self.icv(0x80), pad(answer)) if answer and self.level & 0x20 else answer
        mac = cmac(self.rmac, self.chain + body + b'\x90\0')[:8] if self.level & 0x10 else b''
        protected_answer = body + mac
        return {'plain': apdu(header, data, le).hex(), 'plainAnswer': answer.hex() + OK,
                'command': protected.hex(), 'answer': protected_answer.hex() + OK}


HOST_CHALLENGE = bytes.fromhex('0001020304050607')


def open_channel(level):
    sequence = bytes.fromhex('000001')
    channel = SecureChannel(HOST_CHALLENGE, sequence, level)
    initialize = apdu('80503000', HOST_CHALLENGE, 256)
    cryptogram = kdf(channel.mac, 0, 8, channel.context)
    answer = bytes(10) + b'\x30\x03\x70' + channel.card_challenge + cryptogram + sequence
    authenticate = channel.maced(f'8482{level:02X}00', kdf(channel.mac, 1, 8, channel.context), None)
    return channel, initialize, answer, authenticate


def level_vectors():
    """The security levels for which no published vectors were found, in the form of scp03.json."""
    vectors = []
    for level in (0x01, 0x13):
        channel, initialize, answer, authenticate = open_channel(level)
        commands = [channel.exchange('80E29100', bytes.fromhex('BF3E035C015A'), 256, sha256(b'an answer')),
                    channel.exchange('80F22002', b'', None, b''),
                    channel.exchange('80F22002', b'\x4f\0', None, b'')]
        renamed = [{'plain': one['plain'], 'protected': one['command'], 'protectedAnswer': one['answer'],
                    'plainAnswer': one['plainAnswer']} for one in commands]
        vectors.append({'name': 'AES128', 'level': f'{level:02x}',
                        'keys': {'enc': ENC.hex(), 'mac': MAC.hex(), 'dek': DEK.hex()},
                        'initializeUpdate': initialize.hex(), 'initializeUpdateAnswer': answer.hex() + OK,
                        'externalAuthenticate': authenticate.hex(), 'commands': renamed})
    write('scp03-levels', '5', vectors)


def dgi(number, value):
    length = bytes([len(value)]) if len(value) < 0xFF else b'\xff' + u16(len(value))
    return bytes.fromhex(number) + length + value


def personalisation_vectors():
    channel, initialize, initialize_answer, authenticate = open_channel(0x33)
    point = spki('device')[-65:]

    def secret(value):
        return cbc(DEK, bytes(16), pad(value))
    profile = {'samId': SAM_ID, 'institutionCode': INSTITUTION, 'profileId': PROFILE,
               'deviceCertificate': DEVICE_CERT, 'serviceProviderKey': spki('serviceProvider'),
               'certificate01': CERT01, 'privateKey01': pkcs8('organisation01'),
               'certificate02': CERT02, 'privateKey02': pkcs8('organisation02'),
               'idDerivationKey': ID_KEY, 'storageKey': STORAGE_KEY}
    dgis = b''.join([
        dgi('0101', SAM_ID), dgi('0102', INSTITUTION), dgi('0103', PROFILE), dgi('0104', DEVICE_CERT),
        dgi('0105', profile['serviceProviderKey']), dgi('0106', OFFLINE_LIMITS), dgi('0107', TICK_PERIOD),
        dgi('0130', CERT01), dgi('8130', secret(profile['privateKey01'])),
        dgi('0131', CERT02), dgi('8131', secret(profile['privateKey02'])),
        dgi('8140', secret(ID_KEY)), dgi('8141', secret(STORAGE_KEY))])
    blocks = [dgis[at:at + 239] for at in range(0, len(dgis), 239)]
    exchanges = [channel.exchange('84468001', b'', 256, tlv('7F49', tlv('86', point)))]
    off_curve = tlv('7F49', tlv('86', point[:-1], bytes([point[-1] ^ 1])))
    other, *_ = open_channel(0x33)
    for number, block in enumerate(blocks):
        last = 0x80 if number == len(blocks) - 1 else 0
        exchanges.append(channel.exchange(f'84E2{last:02X}{number:02X}', block, None, b''))
    write('personalisation', '5', [
        vector('INITIALIZE UPDATE', initialize, initialize_answer),
        vector('EXTERNAL AUTHENTICATE', authenticate),
        *[{'name': 'GENERATE ASYMMETRIC KEY PAIR' if not at else f'STORE DATA {at - 1}', **one}
          for at, one in enumerate(exchanges)]],
          staticKeys={'enc': ENC.hex(), 'mac': MAC.hex(), 'dek': DEK.hex()}, hostChallenge=HOST_CHALLENGE.hex(),
          devicePoint=point.hex(), offCurveAnswer=other.exchange('84468001', b'', 256, off_curve)['answer'],
          profile={name: value.hex() for name, value in profile.items()},
          offlineLimits={'maxUses': 25, 'maxTicks': 36000}, tickPeriodMs=1000)
