// Package slip draws what a warehouse prints, as PDF: packing slips and pick lists, with bar codes that its scanners read. Start at WritePacking and WritePicking.
//
// Text is shaped here and drawn as outlines, so that Urdu and Arabic are joined and run the right way in every viewer and on every printer; fonts are embedded in
// the program. A page whose language runs from right to left is laid out so. Nothing is loaded from elsewhere, and nothing is kept.
package slip

import (
	"io"
	"time"
)

// Words are the phrases on paper, in the language of whoever reads it.
type Words struct {
	Lang string // BCP 47
	RTL  bool

	Packing, Picking                              string // titles
	External, Parcel, Placed, ShipBy, From        string
	ShipTo, Phone, Note, Cash, Item, Units, Shelf string
	For                                           string
	// Page names a page, with its number and how many there are.
	Page func(n, of int) string
}

// Packing is the paper in one parcel: what is in it, for whom, and what the buyer asked.
type Packing struct {
	Number   string // of the fulfillment order
	Order    string // our number of the order: a code for scanners on every page
	External string // what the buyer knows the order by
	Shop     string
	From     string
	Placed   string
	ShipBy   string
	To       []string // name and address, line by line
	Phone    string
	Note     string // the buyer's
	Cash     string // what the courier collects, "" for nothing
	Lines    []Line
}

// Line is one kind of goods in a parcel.
type Line struct {
	SKU, Title string
	Quantity   int64
	Wishes     []Wish
}

// Wish is what a buyer asked of a line: a name to engrave, a text on a card.
type Wish struct{ Name, Value string }

// Picking is one walk along the shelves of a location.
type Picking struct {
	Place string
	At    string
	Stops []Stop // in walking order
}

// Stop is one shelf: so many units of one kind, for these fulfillment orders.
type Stop struct {
	Shelf, SKU, Title string
	Quantity          int64
	For               []string
}

// WritePacking writes one slip for each parcel, each beginning on a page of its own. The same slips at the same moment give the same bytes.
func WritePacking(w io.Writer, slips []Packing, words Words, now time.Time) error {
	p, err := newPaper(words, words.Packing, now)
	if err != nil {
		return err
	}
	for i := range slips {
		p.packing(&slips[i])
	}
	return p.pdf.Output(w)
}

// WritePicking writes a pick list.
func WritePicking(w io.Writer, list Picking, words Words, now time.Time) error {
	p, err := newPaper(words, words.Picking, now)
	if err != nil {
		return err
	}
	p.picking(&list)
	return p.pdf.Output(w)
}
