"""The one SAM behind all vectors: its keys, certificates and constants, made by the openssl command line."""
import hashlib
import json
import os
import subprocess
import sys
import tempfile

OUT = sys.argv[1]
TEMPORARY = tempfile.TemporaryDirectory()
WORK = TEMPORARY.name


def openssl(*args, data=b''):
    return subprocess.run(['openssl', *args], input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          check=True).stdout


def path(name):
    return os.path.join(WORK, name)


def tlv(tag, *parts):
    value = b''.join(parts)
    size = len(value)
    if size < 0x80:
        length = bytes([size])
    elif size < 0x100:
        length = bytes([0x81, size])
    else:
        length = bytes([0x82]) + size.to_bytes(2, 'big')
    return bytes.fromhex(tag) + length + value


def apdu(header, data=b'', le=None):
    """le: None, 256 (short) or 65536 (extended)."""
    head = bytes.fromhex(header)
    if len(data) > 255 or le == 65536:
        body = (b'\0' + (len(data).to_bytes(2, 'big') + data if data else b''))
        return head + body + (b'' if le is None else (le & 0xFFFF).to_bytes(2, 'big'))
    body = bytes([len(data)]) + data if data else b''
    return head + body + (b'' if le is None else bytes([le & 0xFF]))


def make_key(name, *options):
    openssl('genpkey', *options, '-out', path(name))


EC256 = ('-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256')
EC384 = ('-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384')
RSA = ('-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048')
KEYS = {'device': EC256, 'serviceProvider': EC256, 'organisation01': RSA, 'organisation02': EC384,
        'operatorRsa': RSA, 'operatorP384': EC384, 'root01': RSA, 'root02': EC384}
for key_name, kind in KEYS.items():
    make_key(key_name, *kind)


def pkcs8(name):
    return openssl('pkcs8', '-topk8', '-nocrypt', '-in', path(name), '-outform', 'DER')


def spki(name):
    return openssl('pkey', '-in', path(name), '-pubout', '-outform', 'DER')


def private_scalar(name):
    """The private key of a P-256 key, out of its ECPrivateKey (RFC 5915)."""
    der = openssl('ec', '-in', path(name), '-outform', 'DER')
    at = der.index(bytes.fromhex('0201010420')) + 5
    return der[at:at + 32]


def aes_wrap(key, plain):
    """RFC 3394 with AES-256."""
    return openssl('enc', '-e', '-id-aes256-wrap', '-K', key.hex(), '-iv', 'A6' * 8, data=plain)


def sign(name, message, digest='sha256'):
    return openssl('dgst', f'-{digest}', '-sign', path(name), data=message)


def der_to_raw(der, size):
    def integer(at):
        assert der[at] == 2
        length = der[at + 1]
        return int.from_bytes(der[at + 2:at + 2 + length], 'big'), at + 2 + length
    r, at = integer(3 if der[1] == 0x81 else 2)
    s, _ = integer(at)
    return r.to_bytes(size, 'big') + s.to_bytes(size, 'big')


def sign_raw_p384(name, message):
    return der_to_raw(sign(name, message, 'sha384'), 48)


def sha256(data):
    return hashlib.sha256(data).digest()


# ---- the SAM of all vectors -----------------------------------------------------------------------

AID = bytes.fromhex('F053454B4953484F01')
SAM_ID = bytes.fromhex('5345534B00000001')
INSTITUTION = b'1319999991'
PROFILE = b'sekisho-ref-1'
NETWORK = bytes(range(0xA0, 0xB0))
CHALLENGE = sha256(b'sam vectors: challenge')
TICK_NONCE = sha256(b'sam vectors: tick nonce')[:16]
TAP_ID = sha256(b'sam vectors: tap id')[:16]
CARD_CHALLENGE = sha256(b'sam vectors: card challenge')[:16]
CONSENT = sha256(b'sam vectors: consent')
ID_KEY = sha256(b'sam vectors: id derivation key')
# Key-encryption key and key data of RFC 3394 section 4.6, so that the wrap is a published vector.
STORAGE_KEY = bytes(range(0x20))
DATA_KEY = bytes.fromhex('00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F')
WRAPPED = bytes.fromhex('28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21')
OFFLINE_LIMITS = (25).to_bytes(2, 'big') + (36000).to_bytes(4, 'big')
TICK_PERIOD = (1000).to_bytes(2, 'big')
OK = '9000'

ISSUER = b'6000' + b'SEKISHOCA1' + b'\0\0'
SUBJECT = b'6000' + INSTITUTION + bytes.fromhex('3103')


def organisation_certificates():
    modulus = bytes.fromhex(openssl('rsa', '-in', path('organisation01'), '-noout', '-modulus').decode().strip()[8:])
    body01 = ISSUER + SUBJECT + bytes.fromhex('9003010001') + tlv('91', modulus)
    body02 = ISSUER + SUBJECT + tlv('86', spki('organisation02')[-97:])
    first = tlv('7F21', tlv('5F4E', body01), tlv('5F37', sign('root01', body01)))
    second = tlv('7F21', tlv('5F4E', body02), tlv('5F37', sign_raw_p384('root02', body02)))
    assert (len(first), len(second)) == (568, 238)
    return first, second


def device_certificate():
    make_key('ca', *EC256)
    openssl('req', '-x509', '-new', '-key', path('ca'), '-subj', '/O=Sekisho test/CN=Device CA', '-days', '7300',
            '-out', path('ca.pem'))
    openssl('req', '-new', '-key', path('device'), '-subj', f'/O=Sekisho test/CN={SAM_ID.hex()}', '-out', path('csr'))
    return openssl('x509', '-req', '-in', path('csr'), '-CA', path('ca.pem'), '-CAkey', path('ca'),
                   '-set_serial', '1', '-days', '7300', '-outform', 'DER')


CERT01, CERT02 = organisation_certificates()
DEVICE_CERT = device_certificate()


def vector(name, command, answer=b'', status=OK, **fields):
    return {'name': name, 'command': command.hex(), 'answer': answer.hex() + status, **fields}


def write(file, section, vectors, **given):
    content = {'source': f'docs/sam-profile.md {section}; generator/ (openssl command line)', **given,
               'vectors': vectors}
    with open(os.path.join(OUT, f'{file}.json'), 'w', encoding='ascii') as out:
        json.dump(content, out, indent=2)
        out.write('\n')


def u16(value):
    return value.to_bytes(2, 'big')


def u32(value):
    return value.to_bytes(4, 'big')


def u64(value):
    return value.to_bytes(8, 'big')
