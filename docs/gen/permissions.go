package main

import (
	"fmt"
	"strings"

	"github.com/openclaw-pos/commerce/platform/access"
)

// permissionPages is docs/permissions.md: roles, permissions and operations, from the tables that are enforced.
func permissionPages(string) ([]page, error) {
	var b strings.Builder
	b.WriteString(header + "# Permissions\n\n" +
		"Whoever calls holds permissions: a person through roles, an API key through scopes. Each role, and each key, may be limited to legal entities, countries and locations (branches and warehouses). " +
		"An operation names its permission and the rows it is about. Rows out of reach do not exist for the caller: lists and counts leave them out, and their ids answer 404, as ids that were never given. " +
		"Pages of the console and commands are the same operations.\n\n" +
		"How rows belong to an area: an order by its legal entity, its country, and the locations that have a fulfillment order of it which was not taken away; refunds, shortages and reservations by their order; " +
		"fulfillment orders, shipments, stock and movements by their location; a return by where it comes, or its order; a case by all it names; an account by legal entity and country, never by location; " +
		"events and what channels are told by order and account. Rows marked *whole* need the permission without limits.\n\n")
	b.WriteString("## Roles\n\n| Role | | May |\n|---|---|---|\n")
	for _, j := range access.Jobs {
		may := "everything"
		if j.Role != access.Owner {
			all := make([]string, len(j.May))
			for i, p := range j.May {
				all[i] = "`" + string(p) + "`"
			}
			may = strings.Join(all, " ")
		}
		fmt.Fprintf(&b, "| `%s` %s | %s | %s |\n", j.Role, j.Title, j.Text, may)
	}
	b.WriteString("\n## Permissions\n\nThe scope is the one of API keys that includes the permission; admin includes write, write includes read.\n\n| Permission | Scope | Allows to |" + roleHeads() + "\n|---|---|---|" + strings.Repeat(":-:|", len(access.Jobs)) + "\n")
	for _, r := range access.Rights {
		fmt.Fprintf(&b, "| `%s` | %s | %s |%s\n", r.Name, r.Scope, r.Text, roleMarks(r.Name))
	}
	b.WriteString("\n## Operations\n\n| Operation | Permission | Rows |" + roleHeads() + "\n|---|---|---|" + strings.Repeat(":-:|", len(access.Jobs)) + "\n")
	for _, o := range described().Operations() {
		need, rows := "`"+string(o.Need)+"`", string(o.Rows)
		if o.Need == "" {
			need, rows = "owners only", ""
		}
		fmt.Fprintf(&b, "| `%s %s` %s | %s | %s |%s\n", o.Method, o.Path, o.Title, need, rows, roleMarks(o.Need))
	}
	return []page{{"docs/permissions.md", []byte(b.String())}}, nil
}

func roleHeads() string {
	var b strings.Builder
	for _, j := range access.Jobs {
		b.WriteString(" " + j.Title + " |")
	}
	return b.String()
}

func roleMarks(p access.Permission) string {
	var b strings.Builder
	for _, j := range access.Jobs {
		mark := ""
		if j.Role.Includes(p) || p == "" && j.Role == access.Owner {
			mark = "x"
		}
		b.WriteString(" " + mark + " |")
	}
	return b.String()
}
