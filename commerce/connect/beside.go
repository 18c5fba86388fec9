package connect

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/platform/privacy"
)

// Beside is an order value by value: what we hold, what the newest reading of its channel says today, and the values of the partner's documents that it is made of.
type Beside struct {
	ReplayDiff
	ReadAt time.Time
	Source string
	Values []Value
	Unread []Unread
	Traced bool // the channel says where its values come from
}

// Value is one value of the canonical order. Personal data is masked.
type Value struct {
	Field   string // lines[2].unit_price, as in channel.Fact.Path
	Ours    string // what we hold; where nothing of ours is compared, what the reading says
	Read    string // what the reading says
	Held    bool   // Ours is what we hold
	Differs bool
	ByRule  bool // follows from no value of the documents: a setting, or always so
	From    []From
}

// From is a value of the documents. Values that are alike in the elements of one list are one.
type From struct {
	Path  string // order.line_items[2].price
	Text  string
	Times int // in how many elements
}

// Unread is a value of the documents that nothing reads. What it says is not shown: nobody knows whether it is about a person.
type Unread struct {
	Pattern string // order.line_items[].vendor
	Kind    channel.LeafKind
	Times   int
}

// Beside decodes the newest stored payload of one of our orders today, and shows it beside what it was made of and what we hold. Nothing is changed.
// fault.NotFound, with code erased, when nothing is left to read.
func (s *Service) Beside(ctx context.Context, order string) (Beside, error) {
	r, err := s.readings(ctx, order)
	b := Beside{ReplayDiff: r.ReplayDiff}
	if err != nil {
		return b, err
	}
	b.ReadAt, b.Source = r.newest.read, r.newest.source
	raw, o, err := r.again()
	if err != nil {
		return b, err
	}
	origins, unread := channel.Trace(r.opened.kind.Fields, raw, o)
	b.Traced = slices.ContainsFunc(r.opened.kind.Fields, func(f channel.Field) bool { return f.Shape == raw.Shape })
	b.compare(origins, o, r.held)
	b.leftOver(unread)
	return b, nil
}

// again opens and decodes the newest payload once more, with what is personal: it is masked value by value.
func (r readings) again() (channel.Raw, channel.Order, error) {
	plain, err := r.keys.OpenRaw(r.newest.keyID, r.newest.box, "inbox:"+r.newest.id)
	if err != nil {
		return channel.Raw{}, channel.Order{}, err
	}
	raw, err := channel.Unpack(plain)
	if err != nil {
		return raw, channel.Order{}, err
	}
	o, err := r.opened.ch.Decode(raw)
	channel.Clean(&o)
	return raw, o, err
}

// compare lists the values of the reading and, at their places, what we hold of them.
func (b *Beside) compare(origins []channel.Origin, now channel.Order, held *channel.Order) {
	ours := map[string]channel.Fact{}
	if held != nil {
		for _, f := range channel.Facts(inOrder(*held, now)) {
			if compared(f.Pattern) {
				ours[f.Path] = f
			}
		}
	}
	for _, o := range origins {
		v := Value{Field: o.Path, Ours: o.Text, Read: o.Text, ByRule: o.ByRule, From: fromOf(o.From)}
		if held != nil && compared(o.Pattern) {
			v.Held, v.Ours = true, ours[o.Path].Text
			v.Differs = v.Ours != v.Read
			delete(ours, o.Path)
		}
		if o.Personal {
			v.Ours, v.Read = privacy.MaskLine(v.Ours), privacy.MaskLine(v.Read)
		}
		b.Values = append(b.Values, v)
	}
	for _, path := range slices.Sorted(maps.Keys(ours)) { // what the reading does not say
		b.Values = append(b.Values, Value{Field: path, Ours: ours[path].Text, Held: true, Differs: true})
	}
}

// inOrder puts our lines in the order of the reading's, those it does not have last.
func inOrder(held, now channel.Order) channel.Order {
	place := map[string]int{}
	for i, l := range now.Lines {
		place[l.External] = i
	}
	lines := make([]channel.Line, len(now.Lines))
	for _, l := range held.Lines {
		if i, there := place[l.External]; there {
			lines[i] = l
		} else {
			lines = append(lines, l)
		}
	}
	held.Lines = lines
	return held
}

// compared reports whether import keeps a value so that it must be what the reading says: the same that Replay compares.
func compared(pattern string) bool {
	switch pattern {
	case "number", "placed_at", "ship_by", "deliver_by", "origin", "currency", "tax_mode", "money", "total",
		"lines[].title", "lines[].quantity", "lines[].unit_price", "lines[].total", "lines[].fulfilled_by",
		"charges[].kind", "charges[].title", "charges[].amount", "charges[].total":
		return true
	}
	for _, of := range []string{"statuses.", "extra.", "lines[].discounts[].", "lines[].taxes[].", "charges[].taxes[]."} {
		if strings.HasPrefix(pattern, of) {
			return true
		}
	}
	return false
}

// shown is how much of a text is shown.
const shown = 200

func fromOf(sources []channel.Source) []From {
	type one struct{ pattern, text string }
	at := map[one]int{}
	var all []From
	for _, s := range sources {
		if s.Kind == channel.LeafNull || s.Text == "" {
			continue
		}
		text := s.Text
		if s.Personal {
			text = privacy.MaskLine(text)
		}
		if utf8.RuneCountInString(text) > shown {
			text = string([]rune(text)[:shown]) + "…"
		}
		alike := one{s.Pattern, text}
		if n, there := at[alike]; there {
			all[n].Times++
			continue
		}
		at[alike] = len(all)
		all = append(all, From{Path: s.Path, Text: text, Times: 1})
	}
	return all
}

func (b *Beside) leftOver(leaves []channel.Leaf) {
	at := map[string]int{}
	for _, l := range leaves {
		n, there := at[l.Pattern]
		if !there {
			n = len(b.Unread)
			at[l.Pattern] = n
			b.Unread = append(b.Unread, Unread{Pattern: l.Pattern, Kind: l.Kind})
		}
		b.Unread[n].Times++
	}
}
