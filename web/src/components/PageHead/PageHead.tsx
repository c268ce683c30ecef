import { type ReactNode, useEffect } from "react";

interface Props {
  title: string;
  text?: ReactNode;
  crumbs?: ReactNode;
  /** Stands left of the title, for instance a connector's glyph. */
  glyph?: ReactNode;
  children?: ReactNode;
}

/** A page's heading, its actions, and the document's title with it. */
export function PageHead({ title, text, crumbs, glyph, children }: Props) {
  useEffect(() => {
    document.title = `${title} · Patchbay`;
  }, [title]);
  return (
    <header className="page-head">
      <div>
        {crumbs && (
          <nav className="crumbs" aria-label="Breadcrumb">
            {crumbs}
          </nav>
        )}
        <div className="tile-head">
          {glyph}
          <div>
            <h1>{title}</h1>
            {text && <p>{text}</p>}
          </div>
        </div>
      </div>
      {children && <div className="row">{children}</div>}
    </header>
  );
}
