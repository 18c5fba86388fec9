package api

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
)

// permit is what an operation takes: a permission, and the kind of rows it is about. The row that the path names must be within reach, or it
// does not exist; lists show what is within reach (db.Tx.Within); rows that parameters and bodies name are in touches.
type permit struct {
	need  access.Permission
	rows  access.Rows
	param string // of the path that names the row; default id
}

// permits is the table of who may do what, by operation; docs/permissions.md is made from it. An operation that is not here is for owners and
// unlimited keys alone, and a test asks for its line.
var permits = map[string]permit{
	"list-orders":           {need: "orders.read", rows: access.Orders},
	"get-order":             {need: "orders.read", rows: access.Orders},
	"order-timeline":        {need: "orders.read", rows: access.Orders},
	"preview-cancel":        {need: "orders.read", rows: access.Orders},
	"list-order-changes":    {need: "orders.read", rows: access.Orders},
	"propose-order-change":  {need: "orders.edit", rows: access.Orders},
	"confirm-order-change":  {need: "orders.edit", rows: access.Orders},
	"discard-order-change":  {need: "orders.edit", rows: access.Orders},
	"hold-order":            {need: "orders.edit", rows: access.Orders},
	"release-order":         {need: "orders.edit", rows: access.Orders},
	"note-order":            {need: "orders.edit", rows: access.Orders},
	"reread-order":          {need: "orders.edit", rows: access.Orders},
	"cancel-order":          {need: "orders.cancel", rows: access.Orders},
	"decide-cancel":         {need: "orders.cancel", rows: access.Orders},
	"replay-order":          {need: "orders.replay", rows: access.Orders},
	"decide-inbox":          {need: "orders.replay", rows: access.Inbox},
	"explain-sourcing":      {need: "sourcing.read", rows: access.Orders},
	"source-order":          {need: "orders.source", rows: access.Orders},
	"read-personal":         {need: "personal.read", rows: access.Orders},
	"erase-personal":        {need: "personal.erase", rows: access.Orders},
	"list-privacy-requests": {need: "personal.export", rows: access.Whole},
	"export-buyer":          {need: "personal.export", rows: access.Whole},
	"erase-buyer":           {need: "personal.erase", rows: access.Whole},
	"privacy-status":        {need: "personal.export", rows: access.Whole},
	"rotate-lookup":         {need: "keys.manage", rows: access.Whole},
	"record-backup":         {need: "backups.record", rows: access.Whole},
	"list-key-exports":      {need: "backups.record", rows: access.Whole},
	"allow-key-export":      {need: "backups.record", rows: access.Whole},
	"use-key-export":        {need: "backups.record", rows: access.Whole},

	"capture-payments": {need: "payments.work", rows: access.Orders},
	"void-payments":    {need: "payments.work", rows: access.Orders},
	"unvoid-payments":  {need: "payments.work", rows: access.Orders},
	"confirm-cash":     {need: "payments.work", rows: access.Orders},
	"unconfirm-cash":   {need: "payments.work", rows: access.Orders},
	"settle-cash":      {need: "payments.work", rows: access.Orders},
	"lower-cash":       {need: "payments.work", rows: access.Orders},
	"list-refunds":     {need: "refunds.read", rows: access.Orders},
	"refund-order":     {need: "refunds.ask", rows: access.Orders},
	"list-all-refunds": {need: "refunds.read", rows: access.Refunds},
	"get-refund":       {need: "refunds.read", rows: access.Refunds},
	"pay-out-refund":   {need: "refunds.settle", rows: access.Refunds},
	"settle-refund":    {need: "refunds.settle", rows: access.Refunds},
	"refuse-refund":    {need: "refunds.settle", rows: access.Refunds},
	"drop-refund":      {need: "refunds.settle", rows: access.Refunds},

	"list-exceptions":   {need: "exceptions.read", rows: access.Exceptions},
	"count-exceptions":  {need: "exceptions.read", rows: access.Exceptions},
	"get-exception":     {need: "exceptions.read", rows: access.Exceptions},
	"resolve-exception": {need: "exceptions.work", rows: access.Exceptions},
	"snooze-exception":  {need: "exceptions.work", rows: access.Exceptions},
	"assign-exception":  {need: "exceptions.work", rows: access.Exceptions},

	"list-fulfillment-orders":    {need: "fulfillment.read", rows: access.Fulfillments},
	"pick-list":                  {need: "fulfillment.read", rows: access.Fulfillments},
	"print-pick-list":            {need: "fulfillment.read", rows: access.Fulfillments},
	"get-packing-slip":           {need: "labels.read", rows: access.Fulfillments},
	"get-fulfillment-order":      {need: "fulfillment.read", rows: access.Fulfillments},
	"accept-fulfillment-order":   {need: "fulfillment.work", rows: access.Fulfillments},
	"hold-fulfillment-order":     {need: "fulfillment.work", rows: access.Fulfillments},
	"unhold-fulfillment-order":   {need: "fulfillment.work", rows: access.Fulfillments},
	"pick-fulfillment-order":     {need: "fulfillment.work", rows: access.Fulfillments},
	"put-back-fulfillment-order": {need: "fulfillment.work", rows: access.Fulfillments},
	"short-fulfillment-order":    {need: "fulfillment.work", rows: access.Fulfillments},
	"found-fulfillment-order":    {need: "fulfillment.work", rows: access.Fulfillments},
	"pack-fulfillment-order":     {need: "fulfillment.work", rows: access.Fulfillments},
	"unpack-fulfillment-order":   {need: "fulfillment.work", rows: access.Fulfillments},
	"move-fulfillment-order":     {need: "fulfillment.route", rows: access.Fulfillments},
	"split-fulfillment-order":    {need: "fulfillment.route", rows: access.Fulfillments},
	"merge-fulfillment-order":    {need: "fulfillment.route", rows: access.Fulfillments},
	"reject-fulfillment-order":   {need: "fulfillment.route", rows: access.Fulfillments},

	"list-shipments":     {need: "shipments.read", rows: access.Shipments},
	"get-shipment":       {need: "shipments.read", rows: access.Shipments},
	"list-scans":         {need: "shipments.read", rows: access.Shipments},
	"set-waybill":        {need: "shipments.work", rows: access.Shipments},
	"hand-over-shipment": {need: "shipments.work", rows: access.Shipments},
	"take-back-shipment": {need: "shipments.work", rows: access.Shipments},
	"scan-shipment":      {need: "shipments.work", rows: access.Shipments},
	"cancel-shipment":    {need: "shipments.book", rows: access.Shipments},
	"rebook-shipment":    {need: "shipments.book", rows: access.Shipments},
	"get-label":          {need: "labels.read", rows: access.Shipments},

	"list-returns":      {need: "returns.read", rows: access.Returns},
	"get-return":        {need: "returns.read", rows: access.Returns},
	"return-timeline":   {need: "returns.read", rows: access.Returns},
	"request-return":    {need: "returns.decide", rows: access.Returns},
	"approve-return":    {need: "returns.decide", rows: access.Returns},
	"unapprove-return":  {need: "returns.decide", rows: access.Returns},
	"decline-return":    {need: "returns.decide", rows: access.Returns},
	"withdraw-return":   {need: "returns.decide", rows: access.Returns},
	"close-return":      {need: "returns.decide", rows: access.Returns},
	"reopen-return":     {need: "returns.decide", rows: access.Returns},
	"sent-return":       {need: "returns.work", rows: access.Returns},
	"not-sent-return":   {need: "returns.work", rows: access.Returns},
	"receive-return":    {need: "returns.work", rows: access.Returns},
	"inspect-return":    {need: "returns.work", rows: access.Returns},
	"uninspect-return":  {need: "returns.work", rows: access.Returns},
	"exchange-return":   {need: "returns.money", rows: access.Returns},
	"unexchange-return": {need: "returns.money", rows: access.Returns},
	"owe-return":        {need: "returns.money", rows: access.Returns},
	"waive-return":      {need: "returns.money", rows: access.Returns},
	"refund-return":     {need: "returns.money", rows: access.Returns},
	"refuse-return":     {need: "returns.decide", rows: access.Returns},

	"list-stock":           {need: "stock.read", rows: access.Levels},
	"explain-stock":        {need: "stock.read", rows: access.Levels},
	"list-stock-movements": {need: "stock.read", rows: access.Movements},
	"list-reservations":    {need: "stock.read", rows: access.Reservations},
	"list-shortages":       {need: "stock.read", rows: access.Shortages},
	"set-stock":            {need: "stock.count", rows: access.Levels},
	"count-stock":          {need: "stock.count", rows: access.Levels},
	"adjust-stock":         {need: "stock.count", rows: access.Levels},
	"transfer-stock":       {need: "stock.count", rows: access.Levels},
	"set-stock-policy":     {need: "stock.policy", rows: access.Levels},
	"stock-drift":          {need: "accounts.read", rows: access.Accounts},

	"list-listings":  {need: "listings.read", rows: access.Listings},
	"get-listing":    {need: "listings.read", rows: access.Listings},
	"map-listing":    {need: "listings.edit", rows: access.Listings},
	"ignore-listing": {need: "listings.edit", rows: access.Listings},
	"accept-price":   {need: "listings.edit", rows: access.Listings},

	"list-channels":        {need: "accounts.read", rows: access.None},
	"list-accounts":        {need: "accounts.read", rows: access.Accounts},
	"get-account":          {need: "accounts.read", rows: access.Accounts},
	"account-health":       {need: "accounts.read", rows: access.Accounts},
	"diff-account":         {need: "accounts.read", rows: access.Accounts},
	"check-account":        {need: "accounts.read", rows: access.Accounts},
	"pull-account":         {need: "accounts.pull", rows: access.Accounts},
	"push-stock":           {need: "accounts.pull", rows: access.Accounts},
	"reread-external":      {need: "accounts.pull", rows: access.Accounts},
	"add-account":          {need: "accounts.manage", rows: access.Accounts},
	"set-account-mode":     {need: "accounts.manage", rows: access.Accounts},
	"move-account":         {need: "accounts.manage", rows: access.Accounts},
	"pause-account":        {need: "accounts.manage", rows: access.Accounts},
	"resume-account":       {need: "accounts.manage", rows: access.Accounts},
	"authorize-account":    {need: "accounts.manage", rows: access.Accounts},
	"map-account-location": {need: "accounts.manage", rows: access.Accounts},
	"list-storefronts":     {need: "storefronts.read", rows: access.Storefronts},
	"get-storefront":       {need: "storefronts.read", rows: access.Storefronts},
	"add-storefront":       {need: "storefronts.manage", rows: access.Storefronts},
	"change-storefront":    {need: "storefronts.manage", rows: access.Storefronts},

	"hear-location":       {need: "stock.count", rows: access.Locations, param: "code"},
	"list-locations":      {need: "locations.read", rows: access.Locations},
	"save-location":       {need: "locations.manage", rows: access.Locations},
	"show-core":           {need: "locations.read", rows: access.Whole},
	"sync-core":           {need: "locations.manage", rows: access.Whole},
	"list-legal-entities": {need: "locations.read", rows: access.Entities},
	"add-legal-entity":    {need: "entities.manage", rows: access.Whole},
	"import-table":        {need: "imports.run", rows: access.Whole},

	"list-events":         {need: "events.read", rows: access.Events},
	"get-event":           {need: "events.read", rows: access.Events},
	"list-tells":          {need: "work.read", rows: access.Tells},
	"get-tell":            {need: "work.read", rows: access.Tells},
	"retry-tell":          {need: "work.settle", rows: access.Tells},
	"look-tell":           {need: "work.settle", rows: access.Tells},
	"list-jobs":           {need: "work.read", rows: access.Works},
	"get-job":             {need: "work.read", rows: access.Works},
	"replay-job":          {need: "work.settle", rows: access.Works},
	"settle-job":          {need: "work.settle", rows: access.Works},
	"discard-job":         {need: "work.settle", rows: access.Works},
	"list-parked-events":  {need: "work.read", rows: access.Whole},
	"replay-parked-event": {need: "work.settle", rows: access.Whole},
	"skip-parked-event":   {need: "work.settle", rows: access.Whole},
	"doctor":              {need: "health.read", rows: access.Whole},

	"list-subscriptions":         {need: "subscriptions.read", rows: access.Whole},
	"get-subscription":           {need: "subscriptions.read", rows: access.Whole},
	"list-deliveries":            {need: "subscriptions.read", rows: access.Whole},
	"resend-deliveries":          {need: "subscriptions.resend", rows: access.Whole},
	"resend-delivery":            {need: "subscriptions.resend", rows: access.Whole},
	"add-subscription":           {need: "subscriptions.manage", rows: access.Whole},
	"change-subscription":        {need: "subscriptions.manage", rows: access.Whole},
	"pause-subscription":         {need: "subscriptions.manage", rows: access.Whole},
	"resume-subscription":        {need: "subscriptions.manage", rows: access.Whole},
	"revoke-subscription":        {need: "subscriptions.manage", rows: access.Whole},
	"rotate-subscription-secret": {need: "subscriptions.manage", rows: access.Whole},

	"list-audit":       {need: "audit.read", rows: access.Whole},
	"verify-audit":     {need: "audit.read", rows: access.Whole},
	"export-audit":     {need: "audit.read", rows: access.Whole},
	"list-policy":      {need: "orders.read", rows: access.None},
	"set-policy":       {need: "policy.set", rows: access.Whole},
	"list-approvals":   {need: "orders.read", rows: access.None},
	"confirm-approval": {need: "exceptions.work", rows: access.None},
	"decline-approval": {need: "exceptions.work", rows: access.None},
	"list-zones":       {need: "health.read", rows: access.Whole},
	"show-vault":       {need: "health.read", rows: access.Whole},
	"list-credentials": {need: "health.read", rows: access.Whole},
	"rotate-vault":     {need: "vault.rotate", rows: access.Whole},
	"list-keys":        {need: "keys.manage", rows: access.Whole},
	"add-key":          {need: "keys.manage", rows: access.Whole},
	"revoke-key":       {need: "keys.manage", rows: access.Whole},
	"rotate-key":       {need: "keys.manage", rows: access.Whole},
	"list-roles":       {need: "users.read", rows: access.None},
	"list-users":       {need: "users.read", rows: access.Whole},
	"get-user":         {need: "users.read", rows: access.Whole},

	"list-sessions": {need: "users.read", rows: access.Whole},
	"add-user":      {need: "users.manage", rows: access.Whole},
	"change-user":   {need: "users.manage", rows: access.Whole},
	"reset-user":    {need: "users.manage", rows: access.Whole},
	"drop-totp":     {need: "users.manage", rows: access.Whole},
	"drop-passkeys": {need: "users.manage", rows: access.Whole},
	"list-passkeys": {need: "users.read", rows: access.Whole},
	"end-session":   {need: "users.manage", rows: access.Whole},
}

func (p permit) name() string {
	if p.param == "" {
		return "id"
	}
	return p.param
}

// Operation is an operation with what it takes, for the table in docs/permissions.md and for menus.
type Operation struct {
	ID, Method, Path, Title string
	Scope                   access.Scope
	Need                    access.Permission // "" when nobody has said
	Rows                    access.Rows
}

// Operations lists every operation, by path and method.
func (s *Server) Operations() []Operation {
	s.once.Do(s.build)
	var all []Operation
	for path, item := range s.api.OpenAPI().Paths {
		for method, op := range map[string]*huma.Operation{http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put, http.MethodPatch: item.Patch, http.MethodDelete: item.Delete} {
			if op == nil {
				continue
			}
			p := permits[op.OperationID]
			scope, _ := op.Metadata["scope"].(access.Scope)
			all = append(all, Operation{op.OperationID, method, path, op.Summary, scope, p.need, p.rows})
		}
	}
	slices.SortFunc(all, func(a, b Operation) int { return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method) })
	return all
}

// May reports whether a caller may do an operation somewhere, for menus.
func May(who access.Caller, operation string) bool {
	p, ok := permits[operation]
	return ok && who.Has(p.need) && (p.rows != access.Whole || who.Reach(p.need).Everything())
}

// Permit is the gate of operations that are done in other ways than over HTTP, such as a page of the console: the caller in ctx must have what
// the operation takes, and the row that ref names ("" = none) must be within reach. In the context it returns lists show what is within reach.
// Faults: Unauthorized; Forbidden; NotFound for what is out of reach.
func (s *Server) Permit(ctx context.Context, operation, ref string) (context.Context, access.Caller, error) {
	p, ok := permits[operation]
	if !ok {
		return ctx, access.Caller{}, fault.New(fault.Forbidden, "nobody has said who may do %s", operation)
	}
	ctx, who, err := access.Permit(ctx, p.need, p.rows)
	if err != nil || ref == "" {
		return ctx, who, err
	}
	return ctx, who, s.within(ctx, p.rows, ref)
}

// permit lets a request through: the permission, then the row in its path.
func (s *Server) permit(ctx huma.Context, who access.Caller) (context.Context, error) {
	op := ctx.Operation()
	inner := access.With(ctx.Context(), who)
	p, ok := permits[op.OperationID]
	if !ok {
		if _, err := access.Require(inner, scopeOf(op)); err != nil || !who.Area.Whole() {
			return inner, fault.New(fault.Forbidden, "this is for owners")
		}
		return inner, nil
	}
	ref := ""
	if strings.Contains(op.Path, "{"+p.name()+"}") && p.rows != access.Whole && p.rows != access.None {
		ref = ctx.Param(p.name())
	}
	inner, _, err := s.Permit(inner, op.OperationID, ref)
	return inner, err
}

func scopeOf(op *huma.Operation) access.Scope {
	scope, _ := op.Metadata["scope"].(access.Scope)
	return scope
}

// within refuses a row out of reach, in the words for one that does not exist.
func (s *Server) within(ctx context.Context, rows access.Rows, ref string) error {
	reach := access.ReachOf(ctx)
	if reach.Everything() {
		return nil
	}
	return s.DB.Read(ctx, func(tx *db.Tx) error {
		id, err := s.idOf(tx, rows, ref)
		switch {
		case fault.Is(err, fault.Invalid), fault.Is(err, fault.NotFound), fault.Is(err, fault.Conflict):
			return missing(rows, ref)
		case err != nil:
			return err
		}
		if seen, err := reach.Sees(tx, rows, id); err != nil || !seen {
			if err != nil {
				return err
			}
			return missing(rows, ref)
		}
		return nil
	})
}

func missing(rows access.Rows, ref string) error {
	return fault.New(fault.NotFound, "%q is none of the %s", ref, rows)
}

// idOf finds the id behind what people call a row.
func (s *Server) idOf(tx *db.Tx, rows access.Rows, ref string) (id string, err error) {
	switch rows {
	case access.Orders:
		v, err := s.Order.Get(tx, ref)
		return v.ID, err
	case access.Accounts:
		a, err := s.Connect.Account(tx, ref)
		return a.ID, err
	case access.Fulfillments:
		f, err := s.Fulfillment.Get(tx, ref)
		return f.ID, err
	case access.Shipments:
		x, err := s.Dispatch.Get(tx, ref)
		return x.ID, err
	case access.Returns:
		r, err := s.Returns.Get(tx, ref)
		return r.ID, err
	case access.Locations:
		return s.location(tx, "location", ref)
	case access.Storefronts:
		f, err := s.Cart.StorefrontBy(tx, ref)
		return f.ID, err
	}
	return ref, nil
}
