/** The law's condition for reading without a PIN: somebody compares the face. */
import type { Actions } from '../actions.ts';
import { h, type ViewNode } from '../dom.ts';
import { t } from '../messages.ts';
import type { CardImages, State } from '../state.ts';
import { button, card, heading, spinner } from './parts.ts';

export function faceCheckView({ tap, busy }: State, actions: Actions): ViewNode {
  const tapId = tap?.tapId ?? '';
  const images = tap?.images;
  if (images === undefined || (images !== 'none' && images.photo === '')) {
    return card('narrow', heading(t('faceTitle')), spinner(t('working')));
  }
  const method = images === 'none' ? 'printed-photo' : 'card-photo';
  return card(
    'face',
    heading(t('faceTitle')),
    h('p', { class: 'lead' }, t(images === 'none' ? 'facePrinted' : 'faceCardPhoto')),
    images !== 'none' && cardFace(images),
    busy === undefined
      ? h(
          'div',
          { class: 'pair', key: 'buttons' },
          button(t('match'), () => void actions.recordFaceCheck(tapId, method, 'match'), 'good', {
            class: 'button good huge',
          }),
          button(t('mismatch'), () => void actions.recordFaceCheck(tapId, method, 'mismatch'), 'bad', {
            class: 'button bad huge',
          }),
        )
      : spinner(t('faceRecording')),
    busy === undefined && button(t('cancel'), () => void actions.cancelTap(tapId), 'quiet'),
  );
}

function cardFace({ photo, name, address }: CardImages): ViewNode {
  return h(
    'div',
    { class: 'card-face' },
    h('img', { class: 'photo', src: photo, alt: t('photoAlt') }),
    h(
      'div',
      { class: 'card-texts' },
      h('img', { src: name, alt: t('nameAlt') }),
      h('img', { src: address, alt: t('addressAlt') }),
    ),
  );
}
