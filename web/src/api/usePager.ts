import { useState } from "react";

export interface Pager {
  after: string | null;
  hasPrevious: boolean;
  previous: () => void;
  next: (endCursor: string | null | undefined) => void;
}

/** Goes through a connection page by page, remembering the way back. */
export function usePager(): Pager {
  const [way, setWay] = useState<readonly string[]>([]);
  return {
    after: way.at(-1) ?? null,
    hasPrevious: way.length > 0,
    previous: () => setWay(way.slice(0, -1)),
    next: (endCursor) => {
      if (endCursor) setWay([...way, endCursor]);
    },
  };
}
