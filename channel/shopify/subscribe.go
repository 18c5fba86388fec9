package shopify

import (
	"context"
	"strings"

	"github.com/openclaw-pos/commerce/kernel/fault"
)

// topics are what an account listens to. The three privacy topics cannot be subscribed to: they are set in the app's own configuration.
// https://shopify.dev/docs/api/admin-graphql/latest/enums/WebhookSubscriptionTopic
var topics = []string{
	"ORDERS_CREATE", "ORDERS_UPDATED", "ORDERS_PAID", "ORDERS_CANCELLED", "ORDERS_EDITED", "ORDERS_DELETE", "ORDERS_FULFILLED", "ORDERS_PARTIALLY_FULFILLED",
	"ORDER_TRANSACTIONS_CREATE", "REFUNDS_CREATE", "FULFILLMENTS_CREATE", "FULFILLMENTS_UPDATE", "FULFILLMENT_EVENTS_CREATE",
	"RETURNS_REQUEST", "RETURNS_APPROVE", "RETURNS_DECLINE", "RETURNS_CANCEL", "RETURNS_CLOSE", "RETURNS_REOPEN", "RETURNS_PROCESS", "RETURNS_UPDATE",
	"FULFILLMENT_ORDERS_PLACED_ON_HOLD", "FULFILLMENT_ORDERS_HOLD_RELEASED", "FULFILLMENT_ORDERS_MOVED", "FULFILLMENT_ORDERS_SPLIT",
	"FULFILLMENT_ORDERS_MERGED", "FULFILLMENT_ORDERS_CANCELLED", "FULFILLMENT_ORDERS_ORDER_ROUTING_COMPLETE",
	"FULFILLMENT_ORDERS_CANCELLATION_REQUEST_SUBMITTED",
	"INVENTORY_LEVELS_UPDATE", "PRODUCTS_CREATE", "PRODUCTS_UPDATE", "PRODUCTS_DELETE", "APP_UNINSTALLED",
}

type subscription struct {
	ID     string `json:"id"`
	Topic  string `json:"topic"`
	URI    string `json:"uri"`
	Format string `json:"format"`
	Fields []text `json:"includeFields"`
	Filter text   `json:"filter"`
}

// whole reports whether it delivers everything of its topic, as JSON.
func (s subscription) whole() bool { return len(s.Fields) == 0 && s.Filter == "" && s.Format != "XML" }

// Subscribe makes sure that every topic is delivered whole to the address: Shopify deletes a subscription after eight failures in a row, so this is asked
// now and then. It reports the topics it created or set right. https://shopify.dev/docs/apps/build/webhooks/subscribe/https
func (a *adapter) Subscribe(ctx context.Context, address string) ([]string, error) {
	if !strings.HasPrefix(address, "https://") && !strings.HasPrefix(address, "http://") {
		return nil, fault.Field("address", "%q is not a web address", address)
	}
	have, err := a.subscriptions(ctx)
	if err != nil {
		return nil, err
	}
	var mended []string
	for _, topic := range topics {
		old, found := subscription{}, false
		for _, s := range have {
			if s.Topic == topic && s.URI == address {
				old, found = s, true
			}
		}
		switch {
		case found && old.whole():
			continue
		case found:
			err = a.subscribe(ctx, "Resubscribe", map[string]any{"id": old.ID}, address)
		default:
			err = a.subscribe(ctx, "Subscribe", map[string]any{"topic": topic}, address)
		}
		if err != nil {
			return mended, err
		}
		mended = append(mended, topic)
	}
	return mended, nil
}

func (a *adapter) subscriptions(ctx context.Context) ([]subscription, error) {
	vars := map[string]any{}
	var all []subscription
	for {
		var answer struct {
			Subscriptions connection[subscription] `json:"webhookSubscriptions"`
		}
		if _, err := a.ask(ctx, "Subscriptions", vars, &answer); err != nil {
			return nil, err
		}
		all = append(all, answer.Subscriptions.Nodes...)
		var err error
		if vars, err = answer.Subscriptions.Page.next(vars); err != nil || vars == nil {
			return all, err
		}
	}
}

// subscribe creates or rewrites a subscription. Lists are sent empty, so that a rewrite takes restrictions away.
func (a *adapter) subscribe(ctx context.Context, operation string, vars map[string]any, address string) error {
	input := map[string]any{"uri": address, "format": "JSON"}
	if operation == "Resubscribe" {
		input["includeFields"], input["filter"] = []string{}, ""
	}
	vars["subscription"] = input
	var answer map[string]struct {
		Errors []userError `json:"userErrors"`
	}
	if _, err := a.ask(ctx, operation, vars, &answer); err != nil {
		return err
	}
	for _, one := range answer {
		if err := refused(one.Errors); err != nil {
			return err
		}
	}
	return nil
}

// Acknowledge puts the account's tag on the order, if it has one. A tag is there once however often it is added.
func (a *adapter) Acknowledge(ctx context.Context, external, ourNumber string) error {
	tag := strings.ReplaceAll(a.cfg.Setting("acknowledge_tag"), "{number}", ourNumber)
	if tag == "" {
		return nil
	}
	var answer struct {
		Add struct {
			Errors []userError `json:"userErrors"`
		} `json:"tagsAdd"`
	}
	if _, err := a.ask(ctx, "Tag", map[string]any{"id": gid("Order", external), "tags": []string{tag}}, &answer); err != nil {
		return err
	}
	return refused(answer.Add.Errors)
}
