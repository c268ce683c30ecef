/* eslint-disable */
import * as types from './graphql';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';

/**
 * Map of all GraphQL operations in the project.
 *
 * This map has several performance disadvantages:
 * 1. It is not tree-shakeable, so it will include all operations in the project.
 * 2. It is not minifiable, so the string of a GraphQL query will be multiple times inside the bundle.
 * 3. It does not support dead code elimination, so it will add unused operations.
 *
 * Therefore it is highly recommended to use the babel or swc plugin for production.
 * Learn more about it here: https://the-guild.dev/graphql/codegen/plugins/presets/preset-client#reducing-bundle-size
 */
type Documents = {
    "\n  fragment ApiKeyRow on ApiKey {\n    id\n    name\n    prefix\n    lastFour\n    role\n    installIds\n    createdAt\n    expiresAt\n    lastUsedAt\n    revokedAt\n  }\n": typeof types.ApiKeyRowFragmentDoc,
    "\n  mutation RevokeApiKey($input: RevokeApiKeyInput!) {\n    revokeApiKey(input: $input) {\n      apiKey {\n        id\n        revokedAt\n      }\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n": typeof types.RevokeApiKeyDocument,
    "\n  fragment AuditRow on AuditEvent {\n    id\n    at\n    actor\n    action\n    target\n    outcome\n    requestId\n    detail\n  }\n": typeof types.AuditRowFragmentDoc,
    "\n  fragment ClientGrantRow on ClientGrant {\n    id\n    clientId\n    clientName\n    redirect\n    scopes\n    createdAt\n    lastUsedAt\n    expiresAt\n    revokedAt\n  }\n": typeof types.ClientGrantRowFragmentDoc,
    "\n  mutation RevokeClientGrant($input: RevokeClientGrantInput!) {\n    revokeClientGrant(input: $input) {\n      clientGrant {\n        id\n        revokedAt\n      }\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n": typeof types.RevokeClientGrantDocument,
    "\n  fragment ConnectorCard on Connector {\n    slug\n    name\n    publisher\n    summary\n    syncs\n    live\n    tools {\n      name\n    }\n  }\n": typeof types.ConnectorCardFragmentDoc,
    "\n  query InstallChoices {\n    installs(first: 100) {\n      nodes {\n        id\n        displayName\n      }\n    }\n  }\n": typeof types.InstallChoicesDocument,
    "\n  mutation CreateApiKey($input: CreateApiKeyInput!) {\n    createApiKey(input: $input) {\n      secret\n      apiKey {\n        id\n        name\n      }\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n": typeof types.CreateApiKeyDocument,
    "\n  fragment InstallActions on Install {\n    id\n    status\n    connector {\n      id\n      syncs\n    }\n  }\n": typeof types.InstallActionsFragmentDoc,
    "\n  mutation StartSync($input: StartSyncInput!) {\n    startSync(input: $input) {\n      run {\n        id\n        ...SyncProgress\n      }\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n": typeof types.StartSyncDocument,
    "\n  mutation CancelSync($input: CancelSyncInput!) {\n    cancelSync(input: $input) {\n      run {\n        id\n        ...SyncProgress\n      }\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n": typeof types.CancelSyncDocument,
    "\n  mutation SetStatus($input: UpdateInstallInput!) {\n    updateInstall(input: $input) {\n      install {\n        id\n        status\n      }\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n": typeof types.SetStatusDocument,
    "\n  fragment InstallCard on Install {\n    id\n    alias\n    displayName\n    status\n    recordCount\n    lastSyncedAt\n    connector {\n      id\n      slug\n      name\n      syncs\n    }\n    latestRun {\n      id\n      state\n    }\n  }\n": typeof types.InstallCardFragmentDoc,
    "\n  fragment InstallOverview on Install {\n    id\n    alias\n    status\n    hasCredential\n    recordCount\n    lastSyncedAt\n    syncIntervalSeconds\n    createdAt\n    connector {\n      id\n      slug\n      name\n      version\n      syncs\n      tools {\n        name\n        ...ToolList\n      }\n    }\n  }\n": typeof types.InstallOverviewFragmentDoc,
    "\n  fragment InstallSettings on Install {\n    id\n    displayName\n    config\n    hasCredential\n    syncIntervalSeconds\n    version\n    recordCount\n    connector {\n      id\n      syncs\n      configSchema\n      credentialSchema\n    }\n    ...RemoveInstall\n  }\n": typeof types.InstallSettingsFragmentDoc,
    "\n  mutation UpdateInstall($input: UpdateInstallInput!) {\n    updateInstall(input: $input) {\n      install {\n        id\n        ...InstallSettings\n      }\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n": typeof types.UpdateInstallDocument,
    "\n  fragment WizardConnector on Connector {\n    slug\n    name\n    configSchema\n    credentialSchema\n    syncs\n  }\n": typeof types.WizardConnectorFragmentDoc,
    "\n  mutation CheckConnection($input: CheckConnectionInput!) {\n    checkConnection(input: $input) {\n      ok\n      items {\n        name\n        ok\n        message\n      }\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n": typeof types.CheckConnectionDocument,
    "\n  mutation InstallConnector($input: InstallConnectorInput!) {\n    installConnector(input: $input) {\n      install {\n        id\n      }\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n": typeof types.InstallConnectorDocument,
    "\n  query Record($id: ID!) {\n    node(id: $id) {\n      id\n      ... on Record {\n        title\n        body\n        stream\n        externalId\n        mimeType\n        url\n        sourceUpdatedAt\n        syncedAt\n        install {\n          id\n          displayName\n        }\n      }\n    }\n  }\n": typeof types.RecordDocument,
    "\n  fragment RecordHit on RecordHit {\n    snippet\n    record {\n      id\n      title\n      stream\n      externalId\n      install {\n        id\n        displayName\n      }\n    }\n  }\n": typeof types.RecordHitFragmentDoc,
    "\n  query SearchRecords($query: String!, $installId: ID) {\n    search(query: $query, installId: $installId, first: 30) {\n      ...RecordHit\n    }\n  }\n": typeof types.SearchRecordsDocument,
    "\n  query RecordList($id: ID!, $after: String) {\n    install(id: $id) {\n      id\n      records(first: 20, after: $after) {\n        nodes {\n          id\n          title\n          externalId\n          syncedAt\n        }\n        pageInfo {\n          hasNextPage\n          endCursor\n        }\n      }\n    }\n  }\n": typeof types.RecordListDocument,
    "\n  fragment RemoveInstall on Install {\n    id\n    displayName\n    alias\n    recordCount\n    hasCredential\n  }\n": typeof types.RemoveInstallFragmentDoc,
    "\n  mutation RemoveInstall($input: RemoveInstallInput!) {\n    removeInstall(input: $input) {\n      removedId\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n": typeof types.RemoveInstallDocument,
    "\n  query RunHistory($id: ID!, $after: String) {\n    install(id: $id) {\n      id\n      runs(first: 8, after: $after) {\n        nodes {\n          id\n          state\n          recordsUpserted\n          recordsDeleted\n          error\n          createdAt\n          startedAt\n          finishedAt\n        }\n        pageInfo {\n          hasNextPage\n          endCursor\n        }\n      }\n    }\n  }\n": typeof types.RunHistoryDocument,
    "\n  mutation SignOut {\n    signOut {\n      ok\n    }\n  }\n": typeof types.SignOutDocument,
    "\n  fragment SyncProgress on SyncRun {\n    id\n    state\n    attempt\n    pages\n    recordsUpserted\n    recordsDeleted\n    recordsTotal\n    cancelRequested\n    error\n    createdAt\n    startedAt\n    finishedAt\n  }\n": typeof types.SyncProgressFragmentDoc,
    "\n  fragment ToolList on ConnectorTool {\n    name\n    title\n    description\n    readOnly\n    destructive\n  }\n": typeof types.ToolListFragmentDoc,
    "\n  query ApiKeys($after: String) {\n    apiKeys(first: 50, after: $after) {\n      nodes {\n        id\n        ...ApiKeyRow\n      }\n      pageInfo {\n        hasNextPage\n        endCursor\n      }\n    }\n  }\n": typeof types.ApiKeysDocument,
    "\n  query AuditEvents($after: String, $action: String) {\n    auditEvents(first: 50, after: $after, action: $action) {\n      nodes {\n        id\n        ...AuditRow\n      }\n      pageInfo {\n        hasNextPage\n        endCursor\n      }\n    }\n    members(first: 100) {\n      nodes {\n        id\n        user {\n          id\n          displayName\n        }\n      }\n    }\n    installs(first: 100) {\n      nodes {\n        id\n        displayName\n      }\n    }\n    apiKeys(first: 100) {\n      nodes {\n        id\n        name\n      }\n    }\n  }\n": typeof types.AuditEventsDocument,
    "\n  query Endpoints {\n    endpoints {\n      id\n      name\n      slug\n      url\n      instructions\n    }\n  }\n": typeof types.EndpointsDocument,
    "\n  query OwnClientGrants {\n    ownClientGrants(first: 50) {\n      nodes {\n        id\n        ...ClientGrantRow\n      }\n    }\n  }\n": typeof types.OwnClientGrantsDocument,
    "\n  query ConnectorPage($slug: String!) {\n    connector(slug: $slug) {\n      id\n      slug\n      name\n      version\n      publisher\n      summary\n      description\n      categories\n      syncs\n      live\n      credentialSchema\n      streams {\n        name\n        title\n        description\n      }\n      tools {\n        name\n        ...ToolList\n      }\n    }\n  }\n": typeof types.ConnectorPageDocument,
    "\n  query WizardConnector($slug: String!) {\n    connector(slug: $slug) {\n      id\n      name\n      slug\n      ...WizardConnector\n    }\n  }\n": typeof types.WizardConnectorDocument,
    "\n  query InstallPage($id: ID!) {\n    install(id: $id) {\n      id\n      displayName\n      status\n      connector {\n        id\n        slug\n        name\n        syncs\n      }\n      latestRun {\n        id\n        state\n        ...SyncProgress\n      }\n      ...InstallActions\n      ...InstallOverview\n      ...InstallSettings\n    }\n  }\n": typeof types.InstallPageDocument,
    "\n  subscription RunUpdates($installId: ID!) {\n    syncRun(installId: $installId) {\n      id\n      state\n      ...SyncProgress\n    }\n  }\n": typeof types.RunUpdatesDocument,
    "\n  query Installs($after: String) {\n    installs(first: 24, after: $after) {\n      nodes {\n        id\n        ...InstallCard\n      }\n      pageInfo {\n        hasNextPage\n        endCursor\n      }\n    }\n  }\n": typeof types.InstallsDocument,
    "\n  query Marketplace {\n    connectors {\n      id\n      slug\n      name\n      summary\n      publisher\n      categories\n      ...ConnectorCard\n    }\n    installs(first: 100) {\n      nodes {\n        id\n        connector {\n          id\n        }\n      }\n    }\n  }\n": typeof types.MarketplaceDocument,
    "\n  query Members($after: String) {\n    members(first: 50, after: $after) {\n      nodes {\n        id\n        role\n        createdAt\n        user {\n          id\n          email\n          displayName\n        }\n      }\n      pageInfo {\n        hasNextPage\n        endCursor\n      }\n    }\n  }\n": typeof types.MembersDocument,
    "\n  query Overview {\n    installs(first: 50) {\n      nodes {\n        id\n        displayName\n        status\n        recordCount\n        lastSyncedAt\n        latestRun {\n          id\n          state\n        }\n        ...InstallCard\n      }\n      pageInfo {\n        hasNextPage\n      }\n    }\n    endpoints {\n      id\n      name\n      url\n    }\n  }\n": typeof types.OverviewDocument,
    "\n  fragment Viewer on Viewer {\n    role\n    permissions\n    csrfToken\n    user {\n      id\n      email\n      displayName\n    }\n    tenant {\n      id\n      slug\n      name\n    }\n  }\n": typeof types.ViewerFragmentDoc,
    "\n  query Viewer {\n    viewer {\n      ...Viewer\n    }\n  }\n": typeof types.ViewerDocument,
};
const documents: Documents = {
    "\n  fragment ApiKeyRow on ApiKey {\n    id\n    name\n    prefix\n    lastFour\n    role\n    installIds\n    createdAt\n    expiresAt\n    lastUsedAt\n    revokedAt\n  }\n": types.ApiKeyRowFragmentDoc,
    "\n  mutation RevokeApiKey($input: RevokeApiKeyInput!) {\n    revokeApiKey(input: $input) {\n      apiKey {\n        id\n        revokedAt\n      }\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n": types.RevokeApiKeyDocument,
    "\n  fragment AuditRow on AuditEvent {\n    id\n    at\n    actor\n    action\n    target\n    outcome\n    requestId\n    detail\n  }\n": types.AuditRowFragmentDoc,
    "\n  fragment ClientGrantRow on ClientGrant {\n    id\n    clientId\n    clientName\n    redirect\n    scopes\n    createdAt\n    lastUsedAt\n    expiresAt\n    revokedAt\n  }\n": types.ClientGrantRowFragmentDoc,
    "\n  mutation RevokeClientGrant($input: RevokeClientGrantInput!) {\n    revokeClientGrant(input: $input) {\n      clientGrant {\n        id\n        revokedAt\n      }\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n": types.RevokeClientGrantDocument,
    "\n  fragment ConnectorCard on Connector {\n    slug\n    name\n    publisher\n    summary\n    syncs\n    live\n    tools {\n      name\n    }\n  }\n": types.ConnectorCardFragmentDoc,
    "\n  query InstallChoices {\n    installs(first: 100) {\n      nodes {\n        id\n        displayName\n      }\n    }\n  }\n": types.InstallChoicesDocument,
    "\n  mutation CreateApiKey($input: CreateApiKeyInput!) {\n    createApiKey(input: $input) {\n      secret\n      apiKey {\n        id\n        name\n      }\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n": types.CreateApiKeyDocument,
    "\n  fragment InstallActions on Install {\n    id\n    status\n    connector {\n      id\n      syncs\n    }\n  }\n": types.InstallActionsFragmentDoc,
    "\n  mutation StartSync($input: StartSyncInput!) {\n    startSync(input: $input) {\n      run {\n        id\n        ...SyncProgress\n      }\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n": types.StartSyncDocument,
    "\n  mutation CancelSync($input: CancelSyncInput!) {\n    cancelSync(input: $input) {\n      run {\n        id\n        ...SyncProgress\n      }\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n": types.CancelSyncDocument,
    "\n  mutation SetStatus($input: UpdateInstallInput!) {\n    updateInstall(input: $input) {\n      install {\n        id\n        status\n      }\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n": types.SetStatusDocument,
    "\n  fragment InstallCard on Install {\n    id\n    alias\n    displayName\n    status\n    recordCount\n    lastSyncedAt\n    connector {\n      id\n      slug\n      name\n      syncs\n    }\n    latestRun {\n      id\n      state\n    }\n  }\n": types.InstallCardFragmentDoc,
    "\n  fragment InstallOverview on Install {\n    id\n    alias\n    status\n    hasCredential\n    recordCount\n    lastSyncedAt\n    syncIntervalSeconds\n    createdAt\n    connector {\n      id\n      slug\n      name\n      version\n      syncs\n      tools {\n        name\n        ...ToolList\n      }\n    }\n  }\n": types.InstallOverviewFragmentDoc,
    "\n  fragment InstallSettings on Install {\n    id\n    displayName\n    config\n    hasCredential\n    syncIntervalSeconds\n    version\n    recordCount\n    connector {\n      id\n      syncs\n      configSchema\n      credentialSchema\n    }\n    ...RemoveInstall\n  }\n": types.InstallSettingsFragmentDoc,
    "\n  mutation UpdateInstall($input: UpdateInstallInput!) {\n    updateInstall(input: $input) {\n      install {\n        id\n        ...InstallSettings\n      }\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n": types.UpdateInstallDocument,
    "\n  fragment WizardConnector on Connector {\n    slug\n    name\n    configSchema\n    credentialSchema\n    syncs\n  }\n": types.WizardConnectorFragmentDoc,
    "\n  mutation CheckConnection($input: CheckConnectionInput!) {\n    checkConnection(input: $input) {\n      ok\n      items {\n        name\n        ok\n        message\n      }\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n": types.CheckConnectionDocument,
    "\n  mutation InstallConnector($input: InstallConnectorInput!) {\n    installConnector(input: $input) {\n      install {\n        id\n      }\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n": types.InstallConnectorDocument,
    "\n  query Record($id: ID!) {\n    node(id: $id) {\n      id\n      ... on Record {\n        title\n        body\n        stream\n        externalId\n        mimeType\n        url\n        sourceUpdatedAt\n        syncedAt\n        install {\n          id\n          displayName\n        }\n      }\n    }\n  }\n": types.RecordDocument,
    "\n  fragment RecordHit on RecordHit {\n    snippet\n    record {\n      id\n      title\n      stream\n      externalId\n      install {\n        id\n        displayName\n      }\n    }\n  }\n": types.RecordHitFragmentDoc,
    "\n  query SearchRecords($query: String!, $installId: ID) {\n    search(query: $query, installId: $installId, first: 30) {\n      ...RecordHit\n    }\n  }\n": types.SearchRecordsDocument,
    "\n  query RecordList($id: ID!, $after: String) {\n    install(id: $id) {\n      id\n      records(first: 20, after: $after) {\n        nodes {\n          id\n          title\n          externalId\n          syncedAt\n        }\n        pageInfo {\n          hasNextPage\n          endCursor\n        }\n      }\n    }\n  }\n": types.RecordListDocument,
    "\n  fragment RemoveInstall on Install {\n    id\n    displayName\n    alias\n    recordCount\n    hasCredential\n  }\n": types.RemoveInstallFragmentDoc,
    "\n  mutation RemoveInstall($input: RemoveInstallInput!) {\n    removeInstall(input: $input) {\n      removedId\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n": types.RemoveInstallDocument,
    "\n  query RunHistory($id: ID!, $after: String) {\n    install(id: $id) {\n      id\n      runs(first: 8, after: $after) {\n        nodes {\n          id\n          state\n          recordsUpserted\n          recordsDeleted\n          error\n          createdAt\n          startedAt\n          finishedAt\n        }\n        pageInfo {\n          hasNextPage\n          endCursor\n        }\n      }\n    }\n  }\n": types.RunHistoryDocument,
    "\n  mutation SignOut {\n    signOut {\n      ok\n    }\n  }\n": types.SignOutDocument,
    "\n  fragment SyncProgress on SyncRun {\n    id\n    state\n    attempt\n    pages\n    recordsUpserted\n    recordsDeleted\n    recordsTotal\n    cancelRequested\n    error\n    createdAt\n    startedAt\n    finishedAt\n  }\n": types.SyncProgressFragmentDoc,
    "\n  fragment ToolList on ConnectorTool {\n    name\n    title\n    description\n    readOnly\n    destructive\n  }\n": types.ToolListFragmentDoc,
    "\n  query ApiKeys($after: String) {\n    apiKeys(first: 50, after: $after) {\n      nodes {\n        id\n        ...ApiKeyRow\n      }\n      pageInfo {\n        hasNextPage\n        endCursor\n      }\n    }\n  }\n": types.ApiKeysDocument,
    "\n  query AuditEvents($after: String, $action: String) {\n    auditEvents(first: 50, after: $after, action: $action) {\n      nodes {\n        id\n        ...AuditRow\n      }\n      pageInfo {\n        hasNextPage\n        endCursor\n      }\n    }\n    members(first: 100) {\n      nodes {\n        id\n        user {\n          id\n          displayName\n        }\n      }\n    }\n    installs(first: 100) {\n      nodes {\n        id\n        displayName\n      }\n    }\n    apiKeys(first: 100) {\n      nodes {\n        id\n        name\n      }\n    }\n  }\n": types.AuditEventsDocument,
    "\n  query Endpoints {\n    endpoints {\n      id\n      name\n      slug\n      url\n      instructions\n    }\n  }\n": types.EndpointsDocument,
    "\n  query OwnClientGrants {\n    ownClientGrants(first: 50) {\n      nodes {\n        id\n        ...ClientGrantRow\n      }\n    }\n  }\n": types.OwnClientGrantsDocument,
    "\n  query ConnectorPage($slug: String!) {\n    connector(slug: $slug) {\n      id\n      slug\n      name\n      version\n      publisher\n      summary\n      description\n      categories\n      syncs\n      live\n      credentialSchema\n      streams {\n        name\n        title\n        description\n      }\n      tools {\n        name\n        ...ToolList\n      }\n    }\n  }\n": types.ConnectorPageDocument,
    "\n  query WizardConnector($slug: String!) {\n    connector(slug: $slug) {\n      id\n      name\n      slug\n      ...WizardConnector\n    }\n  }\n": types.WizardConnectorDocument,
    "\n  query InstallPage($id: ID!) {\n    install(id: $id) {\n      id\n      displayName\n      status\n      connector {\n        id\n        slug\n        name\n        syncs\n      }\n      latestRun {\n        id\n        state\n        ...SyncProgress\n      }\n      ...InstallActions\n      ...InstallOverview\n      ...InstallSettings\n    }\n  }\n": types.InstallPageDocument,
    "\n  subscription RunUpdates($installId: ID!) {\n    syncRun(installId: $installId) {\n      id\n      state\n      ...SyncProgress\n    }\n  }\n": types.RunUpdatesDocument,
    "\n  query Installs($after: String) {\n    installs(first: 24, after: $after) {\n      nodes {\n        id\n        ...InstallCard\n      }\n      pageInfo {\n        hasNextPage\n        endCursor\n      }\n    }\n  }\n": types.InstallsDocument,
    "\n  query Marketplace {\n    connectors {\n      id\n      slug\n      name\n      summary\n      publisher\n      categories\n      ...ConnectorCard\n    }\n    installs(first: 100) {\n      nodes {\n        id\n        connector {\n          id\n        }\n      }\n    }\n  }\n": types.MarketplaceDocument,
    "\n  query Members($after: String) {\n    members(first: 50, after: $after) {\n      nodes {\n        id\n        role\n        createdAt\n        user {\n          id\n          email\n          displayName\n        }\n      }\n      pageInfo {\n        hasNextPage\n        endCursor\n      }\n    }\n  }\n": types.MembersDocument,
    "\n  query Overview {\n    installs(first: 50) {\n      nodes {\n        id\n        displayName\n        status\n        recordCount\n        lastSyncedAt\n        latestRun {\n          id\n          state\n        }\n        ...InstallCard\n      }\n      pageInfo {\n        hasNextPage\n      }\n    }\n    endpoints {\n      id\n      name\n      url\n    }\n  }\n": types.OverviewDocument,
    "\n  fragment Viewer on Viewer {\n    role\n    permissions\n    csrfToken\n    user {\n      id\n      email\n      displayName\n    }\n    tenant {\n      id\n      slug\n      name\n    }\n  }\n": types.ViewerFragmentDoc,
    "\n  query Viewer {\n    viewer {\n      ...Viewer\n    }\n  }\n": types.ViewerDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 *
 *
 * @example
 * ```ts
 * const query = graphql(`query GetUser($id: ID!) { user(id: $id) { name } }`);
 * ```
 *
 * The query argument is unknown!
 * Please regenerate the types.
 */
export function graphql(source: string): unknown;

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment ApiKeyRow on ApiKey {\n    id\n    name\n    prefix\n    lastFour\n    role\n    installIds\n    createdAt\n    expiresAt\n    lastUsedAt\n    revokedAt\n  }\n"): (typeof documents)["\n  fragment ApiKeyRow on ApiKey {\n    id\n    name\n    prefix\n    lastFour\n    role\n    installIds\n    createdAt\n    expiresAt\n    lastUsedAt\n    revokedAt\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation RevokeApiKey($input: RevokeApiKeyInput!) {\n    revokeApiKey(input: $input) {\n      apiKey {\n        id\n        revokedAt\n      }\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n"): (typeof documents)["\n  mutation RevokeApiKey($input: RevokeApiKeyInput!) {\n    revokeApiKey(input: $input) {\n      apiKey {\n        id\n        revokedAt\n      }\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment AuditRow on AuditEvent {\n    id\n    at\n    actor\n    action\n    target\n    outcome\n    requestId\n    detail\n  }\n"): (typeof documents)["\n  fragment AuditRow on AuditEvent {\n    id\n    at\n    actor\n    action\n    target\n    outcome\n    requestId\n    detail\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment ClientGrantRow on ClientGrant {\n    id\n    clientId\n    clientName\n    redirect\n    scopes\n    createdAt\n    lastUsedAt\n    expiresAt\n    revokedAt\n  }\n"): (typeof documents)["\n  fragment ClientGrantRow on ClientGrant {\n    id\n    clientId\n    clientName\n    redirect\n    scopes\n    createdAt\n    lastUsedAt\n    expiresAt\n    revokedAt\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation RevokeClientGrant($input: RevokeClientGrantInput!) {\n    revokeClientGrant(input: $input) {\n      clientGrant {\n        id\n        revokedAt\n      }\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n"): (typeof documents)["\n  mutation RevokeClientGrant($input: RevokeClientGrantInput!) {\n    revokeClientGrant(input: $input) {\n      clientGrant {\n        id\n        revokedAt\n      }\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment ConnectorCard on Connector {\n    slug\n    name\n    publisher\n    summary\n    syncs\n    live\n    tools {\n      name\n    }\n  }\n"): (typeof documents)["\n  fragment ConnectorCard on Connector {\n    slug\n    name\n    publisher\n    summary\n    syncs\n    live\n    tools {\n      name\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query InstallChoices {\n    installs(first: 100) {\n      nodes {\n        id\n        displayName\n      }\n    }\n  }\n"): (typeof documents)["\n  query InstallChoices {\n    installs(first: 100) {\n      nodes {\n        id\n        displayName\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation CreateApiKey($input: CreateApiKeyInput!) {\n    createApiKey(input: $input) {\n      secret\n      apiKey {\n        id\n        name\n      }\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n"): (typeof documents)["\n  mutation CreateApiKey($input: CreateApiKeyInput!) {\n    createApiKey(input: $input) {\n      secret\n      apiKey {\n        id\n        name\n      }\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment InstallActions on Install {\n    id\n    status\n    connector {\n      id\n      syncs\n    }\n  }\n"): (typeof documents)["\n  fragment InstallActions on Install {\n    id\n    status\n    connector {\n      id\n      syncs\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation StartSync($input: StartSyncInput!) {\n    startSync(input: $input) {\n      run {\n        id\n        ...SyncProgress\n      }\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n"): (typeof documents)["\n  mutation StartSync($input: StartSyncInput!) {\n    startSync(input: $input) {\n      run {\n        id\n        ...SyncProgress\n      }\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation CancelSync($input: CancelSyncInput!) {\n    cancelSync(input: $input) {\n      run {\n        id\n        ...SyncProgress\n      }\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n"): (typeof documents)["\n  mutation CancelSync($input: CancelSyncInput!) {\n    cancelSync(input: $input) {\n      run {\n        id\n        ...SyncProgress\n      }\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation SetStatus($input: UpdateInstallInput!) {\n    updateInstall(input: $input) {\n      install {\n        id\n        status\n      }\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n"): (typeof documents)["\n  mutation SetStatus($input: UpdateInstallInput!) {\n    updateInstall(input: $input) {\n      install {\n        id\n        status\n      }\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment InstallCard on Install {\n    id\n    alias\n    displayName\n    status\n    recordCount\n    lastSyncedAt\n    connector {\n      id\n      slug\n      name\n      syncs\n    }\n    latestRun {\n      id\n      state\n    }\n  }\n"): (typeof documents)["\n  fragment InstallCard on Install {\n    id\n    alias\n    displayName\n    status\n    recordCount\n    lastSyncedAt\n    connector {\n      id\n      slug\n      name\n      syncs\n    }\n    latestRun {\n      id\n      state\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment InstallOverview on Install {\n    id\n    alias\n    status\n    hasCredential\n    recordCount\n    lastSyncedAt\n    syncIntervalSeconds\n    createdAt\n    connector {\n      id\n      slug\n      name\n      version\n      syncs\n      tools {\n        name\n        ...ToolList\n      }\n    }\n  }\n"): (typeof documents)["\n  fragment InstallOverview on Install {\n    id\n    alias\n    status\n    hasCredential\n    recordCount\n    lastSyncedAt\n    syncIntervalSeconds\n    createdAt\n    connector {\n      id\n      slug\n      name\n      version\n      syncs\n      tools {\n        name\n        ...ToolList\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment InstallSettings on Install {\n    id\n    displayName\n    config\n    hasCredential\n    syncIntervalSeconds\n    version\n    recordCount\n    connector {\n      id\n      syncs\n      configSchema\n      credentialSchema\n    }\n    ...RemoveInstall\n  }\n"): (typeof documents)["\n  fragment InstallSettings on Install {\n    id\n    displayName\n    config\n    hasCredential\n    syncIntervalSeconds\n    version\n    recordCount\n    connector {\n      id\n      syncs\n      configSchema\n      credentialSchema\n    }\n    ...RemoveInstall\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation UpdateInstall($input: UpdateInstallInput!) {\n    updateInstall(input: $input) {\n      install {\n        id\n        ...InstallSettings\n      }\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n"): (typeof documents)["\n  mutation UpdateInstall($input: UpdateInstallInput!) {\n    updateInstall(input: $input) {\n      install {\n        id\n        ...InstallSettings\n      }\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment WizardConnector on Connector {\n    slug\n    name\n    configSchema\n    credentialSchema\n    syncs\n  }\n"): (typeof documents)["\n  fragment WizardConnector on Connector {\n    slug\n    name\n    configSchema\n    credentialSchema\n    syncs\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation CheckConnection($input: CheckConnectionInput!) {\n    checkConnection(input: $input) {\n      ok\n      items {\n        name\n        ok\n        message\n      }\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n"): (typeof documents)["\n  mutation CheckConnection($input: CheckConnectionInput!) {\n    checkConnection(input: $input) {\n      ok\n      items {\n        name\n        ok\n        message\n      }\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation InstallConnector($input: InstallConnectorInput!) {\n    installConnector(input: $input) {\n      install {\n        id\n      }\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n"): (typeof documents)["\n  mutation InstallConnector($input: InstallConnectorInput!) {\n    installConnector(input: $input) {\n      install {\n        id\n      }\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Record($id: ID!) {\n    node(id: $id) {\n      id\n      ... on Record {\n        title\n        body\n        stream\n        externalId\n        mimeType\n        url\n        sourceUpdatedAt\n        syncedAt\n        install {\n          id\n          displayName\n        }\n      }\n    }\n  }\n"): (typeof documents)["\n  query Record($id: ID!) {\n    node(id: $id) {\n      id\n      ... on Record {\n        title\n        body\n        stream\n        externalId\n        mimeType\n        url\n        sourceUpdatedAt\n        syncedAt\n        install {\n          id\n          displayName\n        }\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment RecordHit on RecordHit {\n    snippet\n    record {\n      id\n      title\n      stream\n      externalId\n      install {\n        id\n        displayName\n      }\n    }\n  }\n"): (typeof documents)["\n  fragment RecordHit on RecordHit {\n    snippet\n    record {\n      id\n      title\n      stream\n      externalId\n      install {\n        id\n        displayName\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query SearchRecords($query: String!, $installId: ID) {\n    search(query: $query, installId: $installId, first: 30) {\n      ...RecordHit\n    }\n  }\n"): (typeof documents)["\n  query SearchRecords($query: String!, $installId: ID) {\n    search(query: $query, installId: $installId, first: 30) {\n      ...RecordHit\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query RecordList($id: ID!, $after: String) {\n    install(id: $id) {\n      id\n      records(first: 20, after: $after) {\n        nodes {\n          id\n          title\n          externalId\n          syncedAt\n        }\n        pageInfo {\n          hasNextPage\n          endCursor\n        }\n      }\n    }\n  }\n"): (typeof documents)["\n  query RecordList($id: ID!, $after: String) {\n    install(id: $id) {\n      id\n      records(first: 20, after: $after) {\n        nodes {\n          id\n          title\n          externalId\n          syncedAt\n        }\n        pageInfo {\n          hasNextPage\n          endCursor\n        }\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment RemoveInstall on Install {\n    id\n    displayName\n    alias\n    recordCount\n    hasCredential\n  }\n"): (typeof documents)["\n  fragment RemoveInstall on Install {\n    id\n    displayName\n    alias\n    recordCount\n    hasCredential\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation RemoveInstall($input: RemoveInstallInput!) {\n    removeInstall(input: $input) {\n      removedId\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n"): (typeof documents)["\n  mutation RemoveInstall($input: RemoveInstallInput!) {\n    removeInstall(input: $input) {\n      removedId\n      userErrors {\n        code\n        field\n        message\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query RunHistory($id: ID!, $after: String) {\n    install(id: $id) {\n      id\n      runs(first: 8, after: $after) {\n        nodes {\n          id\n          state\n          recordsUpserted\n          recordsDeleted\n          error\n          createdAt\n          startedAt\n          finishedAt\n        }\n        pageInfo {\n          hasNextPage\n          endCursor\n        }\n      }\n    }\n  }\n"): (typeof documents)["\n  query RunHistory($id: ID!, $after: String) {\n    install(id: $id) {\n      id\n      runs(first: 8, after: $after) {\n        nodes {\n          id\n          state\n          recordsUpserted\n          recordsDeleted\n          error\n          createdAt\n          startedAt\n          finishedAt\n        }\n        pageInfo {\n          hasNextPage\n          endCursor\n        }\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation SignOut {\n    signOut {\n      ok\n    }\n  }\n"): (typeof documents)["\n  mutation SignOut {\n    signOut {\n      ok\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment SyncProgress on SyncRun {\n    id\n    state\n    attempt\n    pages\n    recordsUpserted\n    recordsDeleted\n    recordsTotal\n    cancelRequested\n    error\n    createdAt\n    startedAt\n    finishedAt\n  }\n"): (typeof documents)["\n  fragment SyncProgress on SyncRun {\n    id\n    state\n    attempt\n    pages\n    recordsUpserted\n    recordsDeleted\n    recordsTotal\n    cancelRequested\n    error\n    createdAt\n    startedAt\n    finishedAt\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment ToolList on ConnectorTool {\n    name\n    title\n    description\n    readOnly\n    destructive\n  }\n"): (typeof documents)["\n  fragment ToolList on ConnectorTool {\n    name\n    title\n    description\n    readOnly\n    destructive\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ApiKeys($after: String) {\n    apiKeys(first: 50, after: $after) {\n      nodes {\n        id\n        ...ApiKeyRow\n      }\n      pageInfo {\n        hasNextPage\n        endCursor\n      }\n    }\n  }\n"): (typeof documents)["\n  query ApiKeys($after: String) {\n    apiKeys(first: 50, after: $after) {\n      nodes {\n        id\n        ...ApiKeyRow\n      }\n      pageInfo {\n        hasNextPage\n        endCursor\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query AuditEvents($after: String, $action: String) {\n    auditEvents(first: 50, after: $after, action: $action) {\n      nodes {\n        id\n        ...AuditRow\n      }\n      pageInfo {\n        hasNextPage\n        endCursor\n      }\n    }\n    members(first: 100) {\n      nodes {\n        id\n        user {\n          id\n          displayName\n        }\n      }\n    }\n    installs(first: 100) {\n      nodes {\n        id\n        displayName\n      }\n    }\n    apiKeys(first: 100) {\n      nodes {\n        id\n        name\n      }\n    }\n  }\n"): (typeof documents)["\n  query AuditEvents($after: String, $action: String) {\n    auditEvents(first: 50, after: $after, action: $action) {\n      nodes {\n        id\n        ...AuditRow\n      }\n      pageInfo {\n        hasNextPage\n        endCursor\n      }\n    }\n    members(first: 100) {\n      nodes {\n        id\n        user {\n          id\n          displayName\n        }\n      }\n    }\n    installs(first: 100) {\n      nodes {\n        id\n        displayName\n      }\n    }\n    apiKeys(first: 100) {\n      nodes {\n        id\n        name\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Endpoints {\n    endpoints {\n      id\n      name\n      slug\n      url\n      instructions\n    }\n  }\n"): (typeof documents)["\n  query Endpoints {\n    endpoints {\n      id\n      name\n      slug\n      url\n      instructions\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query OwnClientGrants {\n    ownClientGrants(first: 50) {\n      nodes {\n        id\n        ...ClientGrantRow\n      }\n    }\n  }\n"): (typeof documents)["\n  query OwnClientGrants {\n    ownClientGrants(first: 50) {\n      nodes {\n        id\n        ...ClientGrantRow\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ConnectorPage($slug: String!) {\n    connector(slug: $slug) {\n      id\n      slug\n      name\n      version\n      publisher\n      summary\n      description\n      categories\n      syncs\n      live\n      credentialSchema\n      streams {\n        name\n        title\n        description\n      }\n      tools {\n        name\n        ...ToolList\n      }\n    }\n  }\n"): (typeof documents)["\n  query ConnectorPage($slug: String!) {\n    connector(slug: $slug) {\n      id\n      slug\n      name\n      version\n      publisher\n      summary\n      description\n      categories\n      syncs\n      live\n      credentialSchema\n      streams {\n        name\n        title\n        description\n      }\n      tools {\n        name\n        ...ToolList\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query WizardConnector($slug: String!) {\n    connector(slug: $slug) {\n      id\n      name\n      slug\n      ...WizardConnector\n    }\n  }\n"): (typeof documents)["\n  query WizardConnector($slug: String!) {\n    connector(slug: $slug) {\n      id\n      name\n      slug\n      ...WizardConnector\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query InstallPage($id: ID!) {\n    install(id: $id) {\n      id\n      displayName\n      status\n      connector {\n        id\n        slug\n        name\n        syncs\n      }\n      latestRun {\n        id\n        state\n        ...SyncProgress\n      }\n      ...InstallActions\n      ...InstallOverview\n      ...InstallSettings\n    }\n  }\n"): (typeof documents)["\n  query InstallPage($id: ID!) {\n    install(id: $id) {\n      id\n      displayName\n      status\n      connector {\n        id\n        slug\n        name\n        syncs\n      }\n      latestRun {\n        id\n        state\n        ...SyncProgress\n      }\n      ...InstallActions\n      ...InstallOverview\n      ...InstallSettings\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription RunUpdates($installId: ID!) {\n    syncRun(installId: $installId) {\n      id\n      state\n      ...SyncProgress\n    }\n  }\n"): (typeof documents)["\n  subscription RunUpdates($installId: ID!) {\n    syncRun(installId: $installId) {\n      id\n      state\n      ...SyncProgress\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Installs($after: String) {\n    installs(first: 24, after: $after) {\n      nodes {\n        id\n        ...InstallCard\n      }\n      pageInfo {\n        hasNextPage\n        endCursor\n      }\n    }\n  }\n"): (typeof documents)["\n  query Installs($after: String) {\n    installs(first: 24, after: $after) {\n      nodes {\n        id\n        ...InstallCard\n      }\n      pageInfo {\n        hasNextPage\n        endCursor\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Marketplace {\n    connectors {\n      id\n      slug\n      name\n      summary\n      publisher\n      categories\n      ...ConnectorCard\n    }\n    installs(first: 100) {\n      nodes {\n        id\n        connector {\n          id\n        }\n      }\n    }\n  }\n"): (typeof documents)["\n  query Marketplace {\n    connectors {\n      id\n      slug\n      name\n      summary\n      publisher\n      categories\n      ...ConnectorCard\n    }\n    installs(first: 100) {\n      nodes {\n        id\n        connector {\n          id\n        }\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Members($after: String) {\n    members(first: 50, after: $after) {\n      nodes {\n        id\n        role\n        createdAt\n        user {\n          id\n          email\n          displayName\n        }\n      }\n      pageInfo {\n        hasNextPage\n        endCursor\n      }\n    }\n  }\n"): (typeof documents)["\n  query Members($after: String) {\n    members(first: 50, after: $after) {\n      nodes {\n        id\n        role\n        createdAt\n        user {\n          id\n          email\n          displayName\n        }\n      }\n      pageInfo {\n        hasNextPage\n        endCursor\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Overview {\n    installs(first: 50) {\n      nodes {\n        id\n        displayName\n        status\n        recordCount\n        lastSyncedAt\n        latestRun {\n          id\n          state\n        }\n        ...InstallCard\n      }\n      pageInfo {\n        hasNextPage\n      }\n    }\n    endpoints {\n      id\n      name\n      url\n    }\n  }\n"): (typeof documents)["\n  query Overview {\n    installs(first: 50) {\n      nodes {\n        id\n        displayName\n        status\n        recordCount\n        lastSyncedAt\n        latestRun {\n          id\n          state\n        }\n        ...InstallCard\n      }\n      pageInfo {\n        hasNextPage\n      }\n    }\n    endpoints {\n      id\n      name\n      url\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment Viewer on Viewer {\n    role\n    permissions\n    csrfToken\n    user {\n      id\n      email\n      displayName\n    }\n    tenant {\n      id\n      slug\n      name\n    }\n  }\n"): (typeof documents)["\n  fragment Viewer on Viewer {\n    role\n    permissions\n    csrfToken\n    user {\n      id\n      email\n      displayName\n    }\n    tenant {\n      id\n      slug\n      name\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Viewer {\n    viewer {\n      ...Viewer\n    }\n  }\n"): (typeof documents)["\n  query Viewer {\n    viewer {\n      ...Viewer\n    }\n  }\n"];

export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}

export type DocumentType<TDocumentNode extends DocumentNode<any, any>> = TDocumentNode extends DocumentNode<  infer TType,  any>  ? TType  : never;