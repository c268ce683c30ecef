import { createContext, useContext } from "react";

import type { Permission, ViewerFragment } from "../gql/graphql";

export const ViewerContext = createContext<ViewerFragment | null>(null);

/** Who is signed in. Only for components below the session gate. */
export function useViewer(): ViewerFragment {
  const viewer = useContext(ViewerContext);
  if (!viewer) throw new Error("useViewer needs the session gate above it");
  return viewer;
}

/**
 * Whether the viewer holds a permission. The console hides what would be refused; the API is what refuses.
 */
export function useMay(permission: Permission): boolean {
  return useViewer().permissions.includes(permission);
}
