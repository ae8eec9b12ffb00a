#!/bin/sh
# Draws the card-face images of the invented people. One-time aid; the results are committed.
# Debian: apt-get install imagemagick libopenjp2-tools fonts-noto-cjk jq; run in people/images.
set -eu
font=/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc
digits=/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

number=0
for person in ../*.json; do
  number=$((number + 1))
  id=$(basename "$person" .json)
  [ "$(jq -r .variant "$person")" = hpki ] && continue
  # A drawing, not a photograph: hair, face, eyes, mouth, shoulders, all shifted a little by the person's number.
  hair=$((40 + number * 9)) ; face=$((205 + number % 4 * 8)) ; eye=$((6 + number % 3)) ; jaw=$((66 + number * 5 % 17))
  convert-im6 -size 200x250 gradient:'gray(235)-gray(200)' -fill "gray($hair)" -draw "ellipse 100,105 62,$((72 + number % 5 * 4)) 0,360" \
    -fill "gray($((70 + number * 7 % 90)))" -draw "ellipse 100,262 $((86 + number % 4 * 4)),70 0,360" \
    -fill "gray($face)" -draw "roundrectangle 85,160 115,205 8,8" -draw "ellipse 100,118 50,$jaw 0,360" \
    -fill "gray($hair)" -draw "ellipse 100,66 48,$((18 + number % 3 * 6)) 0,360" \
    -fill white -draw "ellipse 80,112 11,7 0,360" -draw "ellipse 120,112 11,7 0,360" \
    -fill 'gray(30)' -draw "ellipse 80,112 5,$eye 0,360" -draw "ellipse 120,112 5,$eye 0,360" \
    -fill none -stroke 'gray(60)' -strokewidth 3 -draw "path 'M 82,$((148 + number % 4)) Q 100,$((154 + number % 3 * 5)) 118,$((148 + number % 4))'" \
    -strokewidth 2 -draw "path 'M 100,118 L 95,134 L 103,135'" -stroke none \
    -blur 0x1.2 -colorspace Gray -depth 8 -type Grayscale "$work/$id.pgm"
  opj_compress -i "$work/$id.pgm" -o "$id.photo.jp2" -r 14 -n 5 > /dev/null

  text() { # text, width, height, point size, font, output: black on white, 1 bit a pixel
    convert-im6 -size "$2x$3" -background white -fill black -font "$5" -pointsize "$4" -gravity West \
      "caption:$1" -threshold 60% -monochrome -depth 1 -define png:color-type=0 -define png:bit-depth=1 -strip "png:$6"
  }
  text "$(jq -r .name "$person")" 360 40 26 "$font" "$id.name.png"
  text "$(jq -r .address "$person")" 480 64 20 "$font" "$id.address.png"
  text "$(jq -r '.verificationNumberB[10:14]' "$person")" 24 12 10 "$digits" "$id.code.png"
  text "$(jq -r .individualNumber "$person")" 72 12 10 "$digits" "$id.number.png"
done
