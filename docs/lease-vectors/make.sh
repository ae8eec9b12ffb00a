#!/usr/bin/env bash
# Makes the vectors of docs/lease-protocol.md with nothing but printf and openssl: no code of ours signs here.
set -euo pipefail
cd "$(dirname "$0")"

hex() { xxd -r -p <<<"$1"; }
zeros() { head -c "$1" /dev/zero; }

# A test key, published here: its seed is the text below.
seed=$(printf 'sekisho test anchor: no secret!!' | xxd -p -c 64)
hex "302e020100300506032b657004220420$seed" | openssl pkey -inform DER -out anchor-private.pem
openssl pkey -in anchor-private.pem -pubout -out anchor-public.pem

device=5345534841303031
network=$(openssl pkey -in anchor-private.pem -pubout -outform DER | openssl dgst -sha256 -r | cut -c 1-32)
nonce=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
boot=b0b1b2b3b4b5b6b7b8b9babbbcbdbebf

question() { printf 'SEKISHO-LEASE-Q1'; hex "$device$network$nonce"; zeros 120; }

# answer SEQUENCE VERDICT
answer() {
  { printf 'SEKISHO-LEASE-A1'; hex "$device$network$nonce$boot$1$2"; zeros 15; } > signed.tmp
  openssl pkeyutl -sign -inkey anchor-private.pem -rawin -in signed.tmp -out signature.tmp
  cat signed.tmp signature.tmp
  rm signed.tmp signature.tmp
}

question > question.bin
answer 0000000000000001 00 > answer-granted.bin
answer 0000000000000002 01 > answer-not-registered.bin
answer 0000000100000000 02 > answer-revoked.bin
cat > fields.json <<JSON
{
  "deviceId": "$device",
  "networkId": "$network",
  "nonce": "$nonce",
  "bootId": "$boot",
  "answers": [
    { "file": "answer-granted.bin", "sequence": "1", "verdict": "granted" },
    { "file": "answer-not-registered.bin", "sequence": "2", "verdict": "not-registered" },
    { "file": "answer-revoked.bin", "sequence": "4294967296", "verdict": "revoked" }
  ]
}
JSON
