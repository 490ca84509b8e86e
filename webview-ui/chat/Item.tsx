import type { Item } from '../../src/shared/session.ts';
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
          <Icon name="arrow-right" /> <span class="sr-only">Added: </span>
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
          {item.status === 'declined' && <p class="muted">Declined: nothing was changed.</p>}
          {item.status === 'failed' && <p class="muted">Not applied.</p>}
        </div>
      );
    case 'tool_call':
      return <ToolCall item={item} />;
    case 'web_search':
      return <Line icon="globe" text={webSearch(item)} item={item} />;
    case 'image':
      return <Line icon="file-media" text={`Looked at ${item.path}`} item={item} />;
    case 'compaction':
      return (
        <p class="compacted" data-entry tabIndex={-1}>
          <Icon name="fold" />
          <span>
            {item.status === 'running'
              ? 'Making the conversation shorter …'
              : 'The model goes on from a summary'}
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
          <span class="what">{title ?? 'Reasoning'}</span>
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
            <p class="muted">{item.status === 'running' ? 'No output yet.' : 'No output.'}</p>
          ) : (
            <Output text={item.output} />
          )}
          {item.omitted > 0 && <p class="muted">{item.omitted} bytes in the middle were left out.</p>}
          <p class="muted">in {item.cwd}</p>
        </>
      )}
    </Fold>
  );
}

function Outcome({ item }: Of<'command'>) {
  if (item.status === 'running') return null;
  if (item.status === 'declined') return <span class="outcome bad">declined</span>;
  const time = item.durationMs === undefined ? '' : duration(item.durationMs);
  if (item.exitCode === 0) return <span class="outcome">{time}</span>;
  return (
    <span class="outcome bad">
      {item.exitCode === undefined ? 'did not finish' : `exit ${item.exitCode}`}
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
          {item.status === 'failed' && <span class="outcome bad">failed</span>}
          {item.status === 'completed' && item.endedAt !== undefined && (
            <span class="outcome">{duration(item.endedAt - item.startedAt)}</span>
          )}
        </>
      }
    >
      {() => (
        <>
          <p class="muted">Arguments</p>
          <Output text={readableJson(item.args)} />
          {item.result !== undefined && (
            <>
              <p class="muted">Result</p>
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
  if (query === '') return status === 'running' ? 'Searching the web' : 'Searched the web';
  return `${status === 'running' ? 'Searching' : 'Searched'} the web: ${query}`;
}

function Line({ icon, text, item }: { icon: string; text: string; item: Item }) {
  return (
    <div class={`step line ${item.status}`} data-entry tabIndex={-1}>
      <Icon name={icon} />
      <span class="what">{text}</span>
    </div>
  );
}
