import { Component } from 'preact';
import type { Item } from '../../src/shared/session.ts';
import { ItemView } from './Item.tsx';

/**
 * Items that are drawn, laid out and compared together. A turn may have thousands: a change in one costs its
 * group, and groups out of sight are not laid out.
 */
export const GROUP_ITEMS = 20;

/** @param skip a multiple of {@link GROUP_ITEMS}: items at the beginning that are not drawn */
export function Items({ items, skip }: { items: readonly Item[]; skip: number }) {
  const groups = [];
  for (let at = skip; at < items.length; at += GROUP_ITEMS) {
    groups.push(<Group key={at} items={items.slice(at, at + GROUP_ITEMS)} />);
  }
  return <>{groups}</>;
}

class Group extends Component<{ items: readonly Item[] }> {
  override shouldComponentUpdate({ items }: { items: readonly Item[] }): boolean {
    const old = this.props.items;
    return items.length !== old.length || items.some((item, place) => item !== old[place]);
  }

  override render() {
    return (
      <div class={this.props.items.length === GROUP_ITEMS ? 'items full' : 'items'}>
        {this.props.items.map((item) => (
          <ItemView key={item.id} item={item} />
        ))}
      </div>
    );
  }
}
