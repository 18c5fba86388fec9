package console

import "github.com/openclaw-pos/commerce/platform/access"

// Route is one row of the table of routes.
type Route struct {
	Name, Method, Path string
	Need               access.Permission // "" and Self are for everybody who is signed in
	Rows               access.Rows
}

// Self is what everybody may who is signed in.
const Self = self

// Table is the table of routes, for tests that walk all of it.
func Table() (all []Route) {
	for _, r := range (&Console{}).routes() {
		all = append(all, Route{r.name, r.method, r.path, r.need, r.rows})
	}
	return all
}
