import type { ReactNode } from "react";

import { Icon, type IconName } from "../Icon/Icon";

interface Props {
  icon: IconName;
  title: string;
  text: string;
  /** The next action, so that an empty page is never a dead end. */
  children?: ReactNode;
}

export function EmptyState({ icon, title, text, children }: Props) {
  return (
    <div className="empty">
      <Icon name={icon} />
      <h2>{title}</h2>
      <p>{text}</p>
      {children}
    </div>
  );
}
