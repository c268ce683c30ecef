import type { Role } from "../gql/graphql";

interface RoleWords {
  name: string;
  can: string;
}

/** The roles in words. */
export const ROLES: Readonly<Record<Role, RoleWords>> = {
  VIEWER: { name: "Viewer", can: "Sees what is installed." },
  MEMBER: { name: "Member", can: "Calls tools, searches and reads synced records." },
  AUDITOR: { name: "Auditor", can: "Sees everything that was done and decided, changes nothing." },
  CONNECTOR_MANAGER: {
    name: "Connector manager",
    can: "As a member; also installs connectors, gives credentials and runs syncs.",
  },
  ADMIN: { name: "Admin", can: "Runs the organisation: connectors, keys, members, policies, audit log." },
  OWNER: { name: "Owner", can: "Everything." },
};

export function roleName(role: Role): string {
  return ROLES[role].name;
}
