import { type AnyError, shownError } from '../../src/shared/errorSentences.ts';
import { t } from '../l10n.ts';

/** What went wrong and what to do, in the person's language as far as it is known, with the error's own words. */
export function ErrorText({ error }: { error: AnyError }) {
  const { text, detail } = shownError(error, t);
  return (
    <>
      <p>{text}</p>
      {detail !== undefined && (
        <p class="muted" lang="en">
          {detail}
        </p>
      )}
    </>
  );
}
