// A component that is drawn again only where something has changed that it shows.
import { Component, type VNode } from "preact";

export function memo<P extends object>(
  draw: (props: P) => VNode,
  isSame: (before: Readonly<P>, after: Readonly<P>) => boolean,
): new () => Component<P> {
  return class extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      return !isSame(this.props, next);
    }

    override render(): VNode {
      return draw(this.props);
    }
  };
}
