import { Component, type ComponentChildren } from 'preact';

/** A component that is drawn again only when one of its properties is another value. */
export function memo<P extends object>(draw: (props: P) => ComponentChildren) {
  return class Memo extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      const names = Object.keys(next) as (keyof P)[]; // the keys of a P
      return names.some((name) => next[name] !== this.props[name]);
    }

    override render(props: P) {
      return draw(props);
    }
  };
}
