import type { Pager } from "../../api/usePager";
import { Button } from "../Button/Button";

interface Props {
  pager: Pager;
  pageInfo: { hasNextPage: boolean; endCursor?: string | null | undefined };
  label: string;
}

/** Previous and next; nothing where everything fits on one page. */
export function PageButtons({ pager, pageInfo, label }: Props) {
  if (!pager.hasPrevious && !pageInfo.hasNextPage) return null;
  return (
    <nav className="row" aria-label={label}>
      <Button size="small" disabled={!pager.hasPrevious} onClick={pager.previous}>
        Previous
      </Button>
      <Button
        size="small"
        disabled={!pageInfo.hasNextPage}
        onClick={() => pager.next(pageInfo.endCursor)}
      >
        Next
      </Button>
    </nav>
  );
}
