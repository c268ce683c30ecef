import type { Role } from "../gql/graphql";

interface RoleWords {
  name: string;
  can: string;
}

/** The roles in words, lowest first. */
export const ROLES: Readonly<Record<Role, RoleWords>> = {
  VIEWER: { name: "Viewer", can: "Sees what is installed." },
  MEMBER: { name: "Member", can: "Calls tools, searches and reads synced records." },
  ADMIN: { name: "Admin", can: "Also installs, syncs, manages keys and reads the audit log." },
  OWNER: { name: "Owner", can: "Everything." },
};

export function roleName(role: Role): string {
  return ROLES[role].name;
}
