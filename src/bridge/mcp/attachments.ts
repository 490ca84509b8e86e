import * as z from 'zod';
import type { Attachment } from '../../shared/faces.ts';

const line = z.int().min(1);

/** What may be attached to a prompt; the session checks that files lie in the folder. */
export const attachmentSchema = z.union(
  [
    z.strictObject({
      path: z.string().min(1).max(4096).describe('File in the folder: absolute, or relative to it'),
      start_line: line.optional().describe('First line, from 1'),
      end_line: line.optional().describe('Last line, included'),
    }),
    z.strictObject({ text: z.string(), name: z.string().max(200).optional() }),
    z.strictObject({
      image: z.string().min(1).describe('Base64'),
      mime_type: z.string().max(100).describe('image/png, image/jpeg, image/gif or image/webp'),
    }),
    z.strictObject({
      uri: z.string().min(1).max(4096).describe('Where the text comes from'),
      text: z.string(),
    }),
  ],
  {
    error:
      'must be {path, start_line?, end_line?}, {text, name?}, {image, mime_type} or {uri, text}, and nothing else',
  },
);

export type AttachmentArgument = z.infer<typeof attachmentSchema>;

export function toAttachment(argument: AttachmentArgument): Attachment {
  if ('path' in argument) {
    return {
      kind: 'file',
      path: argument.path,
      ...(argument.start_line === undefined ? {} : { startLine: argument.start_line }),
      ...(argument.end_line === undefined ? {} : { endLine: argument.end_line }),
    };
  }
  if ('image' in argument) return { kind: 'image', mimeType: argument.mime_type, data: argument.image };
  if ('uri' in argument) return { kind: 'resource', uri: argument.uri, text: argument.text };
  return { kind: 'text', name: argument.name ?? 'text', text: argument.text };
}
