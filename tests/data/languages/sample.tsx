import React, { useState } from 'react';
import type { Item } from './types';

interface Props extends Base<Item> {
  title: string;
  onPick?: (item: Item) => void;
}

type Shown = Item | null;

/** One row; it's a `component`. */
export function Row({ title, onPick }: Props): JSX.Element {
  const [open, setOpen] = useState<boolean>(false);
  return (
    <div className="row" onClick={() => setOpen(!open)}>
      {/* don't { */}
      <b>{title}</b> isn't it {open ? 'open' : "closed"}
      {onPick && <Picker<Item> pick={onPick} />}
    </div>
  );
}

export const List = <T extends Item,>(items: T[]) => {
  return (
    <ul>
      {items.map((item) => <Row key={item.id} title={`${item.name}`} />)}
    </ul>
  );
};

export default class Page extends React.Component<Props, State> {
  state: State = { shown: null };

  private pick = (item: Item): void => {
    this.setState({ shown: item });
  };

  componentDidMount() {
    this.load();
  }

  async load(): Promise<void> {
    const items = await fetchItems<Item>('/items');
    this.setState({ shown: items[0] });
  }

  render() {
    return <List {...this.props} />;
  }
}

const memo = React.memo(Row);
