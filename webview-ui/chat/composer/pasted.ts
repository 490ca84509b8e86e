import type { ChosenAttachment } from '../../../src/shared/webview.ts';
import { t } from '../../l10n.ts';

/** The bridge's own limits, told before anything is sent. In bytes. */
export const MAX_IMAGE_BYTES = 10 * 1024 * 1024;
export const MAX_TEXT_BYTES = 256 * 1024;
const IMAGES = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'];

/**
 * A file that was pasted or dropped, as an attachment.
 *
 * @throws Error that says why it can't be attached
 */
export async function attachmentOf(file: File): Promise<ChosenAttachment> {
  const label = file.name === '' ? t('Pasted') : file.name;
  if (IMAGES.includes(file.type)) {
    if (file.size > MAX_IMAGE_BYTES) {
      throw new Error(
        t('"{0}" has {1} MB; an image may have 10 MB. Make it smaller.', label, megabytes(file.size)),
      );
    }
    return {
      attachment: { kind: 'image', mimeType: file.type, data: base64(await bytesOf(file)) },
      label,
      icon: 'image',
    };
  }
  if (file.type.startsWith('image/')) {
    throw new Error(t('"{0}" is {1}. Codex takes PNG, JPEG, GIF and WebP images.', label, file.type));
  }
  if (file.size > MAX_TEXT_BYTES) {
    throw new Error(
      t(
        '"{0}" has more than 256 KB. Put it into the folder and name it in the prompt: Codex reads what it needs.',
        label,
      ),
    );
  }
  const bytes = await bytesOf(file);
  if (bytes.includes(0))
    throw new Error(t('"{0}" is no text and no image, so it can\'t be attached.', label));
  return {
    attachment: { kind: 'text', name: label, text: new TextDecoder().decode(bytes) },
    label,
    icon: 'text',
  };
}

async function bytesOf(file: File): Promise<Uint8Array> {
  return new Uint8Array(await file.arrayBuffer());
}

/** In pieces: one call takes only so many arguments. */
export function base64(bytes: Uint8Array): string {
  const STEP = 0x8000;
  let text = '';
  for (let at = 0; at < bytes.length; at += STEP) {
    text += String.fromCharCode(...bytes.subarray(at, at + STEP));
  }
  return btoa(text);
}

function megabytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1);
}

/** Addresses in a `text/uri-list` or VS Code's own kind of it. */
export function uriList(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}
