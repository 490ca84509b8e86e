import { errorText } from '../../src/shared/errorSentences.ts';
import type { ErrorInfo } from '../../src/shared/errors.ts';
import { Icon } from '../chat/Icon.tsx';
import { t } from '../l10n.ts';

/** Why something was not done, at the place where it was asked for. */
export function Refusal({ error }: { error: ErrorInfo | undefined }) {
  if (error === undefined) return null;
  return (
    <p class="refusal" role="alert">
      <Icon name="error" />
      <span>{errorText(error, t)}</span>
    </p>
  );
}

/** For what may go well the next time: not where the bridge has said that there is nothing to be had. */
export function TryAgain({ error, onClick }: { error: ErrorInfo; onClick: () => void }) {
  if (error.code === 'CHANGE_NOT_FOUND' || error.code === 'CHANGE_NOT_REVERTIBLE') return null;
  return (
    <button type="button" class="link-button" onClick={onClick}>
      {t('Try again')}
    </button>
  );
}
