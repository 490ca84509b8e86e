import type { Item } from '../../src/shared/session.ts';
import { t } from '../l10n.ts';
import { Decision } from './Decision.tsx';
import { Changes } from './Diff.tsx';
import { Fold } from './Fold.tsx';
import { Icon } from './Icon.tsx';
import { LiveMarkdown, Markdown } from './Markdown.tsx';
import { memo } from './memo.ts';
import { Output } from './Output.tsx';
import { Review } from './Review.tsx';
import { commandLabel, duration, readableJson } from './text.ts';
import { Visible } from './Visible.tsx';

/** One thing inside a turn. Drawn again only when the item itself has changed. */
export const ItemView = memo(({ item }: { item: Item }) => {
  switch (item.type) {
    case 'user_message':
      return (
        <div class="steer" data-entry tabIndex={-1}>
          <Icon name="arrow-right" /> <span class="sr-only">{t('Added:')} </span>
          {item.text}
        </div>
      );
    case 'review':
      return item.findings === undefined ? <Answer item={item} /> : <Review item={item} />;
    case 'agent_message':
      return <Answer item={item} />;
    case 'plan':
      return <Answer item={item} />;
    case 'reasoning':
      return <Reasoning item={item} />;
    case 'command':
      return <Command item={item} />;
    case 'file_change':
      return (
        <div class={`changed-files ${item.status}`}>
          <Changes changes={item.changes} />
          {item.status === 'declined' && <p class="muted">{t('Declined: nothing was changed.')}</p>}
          {item.status === 'failed' && <p class="muted">{t('Not applied.')}</p>}
        </div>
      );
    case 'tool_call':
      return <ToolCall item={item} />;
    case 'web_search':
      return <Line icon="globe" text={webSearch(item)} item={item} />;
    case 'image':
      return <Line icon="file-media" text={t('Looked at {0}', item.path)} item={item} />;
    case 'compaction':
      return (
        <p class="compacted" data-entry tabIndex={-1}>
          <Icon name="fold" />
          <span>
            {item.status === 'running'
              ? t('Making the conversation shorter …')
              : t('The model goes on from a summary')}
          </span>
        </p>
      );
    case 'decision':
      return <Decision item={item} />;
    case 'other':
      return <Line icon="circle-small" text={item.name} item={item} />;
  }
});

type Of<T extends Item['type']> = { item: Extract<Item, { type: T }> };

function Answer({ item }: Of<'agent_message' | 'review' | 'plan'>) {
  if (item.text === '') return null;
  // Busy: a screen reader reads the whole text when it is there, not each word.
  return (
    <article
      class="answer"
      data-entry
      tabIndex={-1}
      aria-label="Codex"
      aria-describedby={`text-${item.id}`}
      aria-busy={item.status === 'running'}
    >
      <div id={`text-${item.id}`}>
        {item.status === 'running' ? <LiveMarkdown text={item.text} /> : <Markdown text={item.text} />}
      </div>
    </article>
  );
}

function Reasoning({ item }: Of<'reasoning'>) {
  const text = item.summary === '' ? item.text : item.summary;
  if (text === '') return null;
  const title = /^\*\*(.+?)\*\*/.exec(text)?.[1];
  return (
    <Fold
      class="step reasoning"
      summary={
        <>
          <Icon name="lightbulb" />
          <span class="what">{title ?? t('Reasoning')}</span>
        </>
      }
    >
      {() => <Markdown text={text} />}
    </Fold>
  );
}

function Command({ item }: Of<'command'>) {
  return (
    <Fold
      class={`step command ${item.status}`}
      title={item.command}
      summary={
        <>
          {item.status === 'running' ? <Icon name="loading" spin /> : <Icon name="terminal" />}
          <code class="what">
            <Visible text={commandLabel(item.command)} />
          </code>
          <Outcome item={item} />
        </>
      }
    >
      {() => (
        <>
          <pre class="command-line">
            <Visible text={item.command} />
          </pre>
          {item.output === '' ? (
            <p class="muted">{item.status === 'running' ? t('No output yet.') : t('No output.')}</p>
          ) : (
            <Output text={item.output} />
          )}
          {item.omitted > 0 && (
            <p class="muted">{t('{0} bytes in the middle were left out.', item.omitted)}</p>
          )}
          <p class="muted">{t('in {0}', item.cwd)}</p>
        </>
      )}
    </Fold>
  );
}

function Outcome({ item }: Of<'command'>) {
  if (item.status === 'running') return null;
  if (item.status === 'declined') return <span class="outcome bad">{t('declined')}</span>;
  const time = item.durationMs === undefined ? '' : duration(item.durationMs);
  if (item.exitCode === 0) return <span class="outcome">{time}</span>;
  return (
    <span class="outcome bad">
      {item.exitCode === undefined ? t('did not finish') : t('exit {0}', String(item.exitCode))}
    </span>
  );
}

function ToolCall({ item }: Of<'tool_call'>) {
  return (
    <Fold
      class={`step ${item.status}`}
      summary={
        <>
          {item.status === 'running' ? <Icon name="loading" spin /> : <Icon name="tools" />}
          <span class="what">{item.server === '' ? item.tool : `${item.server}: ${item.tool}`}</span>
          {item.status === 'failed' && <span class="outcome bad">{t('failed')}</span>}
          {item.status === 'completed' && item.endedAt !== undefined && (
            <span class="outcome">{duration(item.endedAt - item.startedAt)}</span>
          )}
        </>
      }
    >
      {() => (
        <>
          <p class="muted">{t('Arguments')}</p>
          <Output text={readableJson(item.args)} />
          {item.result !== undefined && (
            <>
              <p class="muted">{t('Result')}</p>
              <Output text={readableJson(item.result)} />
            </>
          )}
          {item.error !== undefined && <p class="bad">{item.error}</p>}
        </>
      )}
    </Fold>
  );
}

function webSearch({ query, status }: Of<'web_search'>['item']): string {
  if (query === '') return status === 'running' ? t('Searching the web') : t('Searched the web');
  return status === 'running' ? t('Searching the web: {0}', query) : t('Searched the web: {0}', query);
}

function Line({ icon, text, item }: { icon: string; text: string; item: Item }) {
  return (
    <div class={`step line ${item.status}`} data-entry tabIndex={-1}>
      <Icon name={icon} />
      <span class="what">{text}</span>
    </div>
  );
}
