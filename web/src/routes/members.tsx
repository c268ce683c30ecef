import { useApi } from "../api/useApi";
import { usePager } from "../api/usePager";
import { Badge } from "../components/Badge/Badge";
import { ErrorState } from "../components/ErrorState/ErrorState";
import { PageButtons } from "../components/PageButtons/PageButtons";
import { PageHead } from "../components/PageHead/PageHead";
import { ROLES } from "../components/roles";
import { Skeleton } from "../components/Skeleton/Skeleton";
import { Time } from "../components/Time/Time";
import { graphql } from "../gql";
import { useViewer } from "../session/ViewerContext";

const Members = graphql(`
  query Members($after: String) {
    members(first: 50, after: $after) {
      nodes {
        id
        role
        createdAt
        user {
          id
          email
          displayName
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

export function MembersPage() {
  const viewer = useViewer();
  const pager = usePager();
  const { data, failure, loading, reload } = useApi(Members, { after: pager.after });
  return (
    <div className="page">
      <PageHead title="Members" text={`Who belongs to ${viewer.tenant.name}, and what they may do.`} />
      {failure && <ErrorState failure={failure} onRetry={reload} />}
      {loading && <Skeleton count={3} label="Loading members" />}
      {data && (
        <>
          <div className="card card-flush table-wrap">
            <table className="table">
              <thead>
                <tr>
                  <th scope="col">Name</th>
                  <th scope="col">Role</th>
                  <th scope="col" className="optional-column">
                    May
                  </th>
                  <th scope="col" className="optional-column">
                    Since
                  </th>
                </tr>
              </thead>
              <tbody>
                {data.members.nodes.map((member) => (
                  <tr key={member.id}>
                    <td>
                      <strong>{member.user.displayName}</strong>{" "}
                      {member.user.id === viewer.user?.id && <Badge tone="accent">You</Badge>}
                      <div className="muted small">{member.user.email}</div>
                    </td>
                    <td>{ROLES[member.role].name}</td>
                    <td className="optional-column muted">{ROLES[member.role].can}</td>
                    <td className="optional-column">
                      <Time at={member.createdAt} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          <PageButtons pager={pager} pageInfo={data.members.pageInfo} label="Pages of members" />
        </>
      )}
    </div>
  );
}
