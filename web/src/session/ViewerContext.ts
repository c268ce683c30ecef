import { createContext, useContext } from "react";

import type { Role, ViewerFragment } from "../gql/graphql";

export const ViewerContext = createContext<ViewerFragment | null>(null);

const RANK: Readonly<Record<Role, number>> = { VIEWER: 0, MEMBER: 1, ADMIN: 2, OWNER: 3 };

/** Who is signed in. Only for components below the session gate. */
export function useViewer(): ViewerFragment {
  const viewer = useContext(ViewerContext);
  if (!viewer) throw new Error("useViewer needs the session gate above it");
  return viewer;
}

/**
 * Whether the viewer's role reaches `role`. The console hides what would be refused; the API is what refuses.
 */
export function useHasRole(role: Role): boolean {
  return RANK[useViewer().role] >= RANK[role];
}
