package dispatch

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/courier"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/privacy"
)

// Document is a label to print.
type Document struct {
	Format string `json:"format"` // pdf, png, zpl, html
	Body   []byte `json:"body"`
}

// Label opens the label of a shipment, the first of several; see Labels.
func (s *Service) Label(ctx context.Context, ref, actor string) (Document, error) {
	all, err := s.Labels(ctx, ref, actor)
	if err != nil {
		return Document{}, err
	}
	return all[0], nil
}

// Labels opens the labels of a shipment, one for each package; the reading is audited, since they bear the buyer's name and address. A label that could not be
// had with the waybill is fetched from the courier now. Faults: NotFound when there is none; Conflict when the order is on hold: what is not printed cannot go out.
func (s *Service) Labels(ctx context.Context, ref, actor string) ([]Document, error) {
	sh, err := s.printable(ctx, ref)
	if err != nil {
		return nil, err
	}
	if sh.labelKey == "" {
		if err := s.fetchLabel(ctx, sh); err != nil {
			return nil, err
		}
	}
	var docs []Document
	err = s.need.DB.Write(ctx, func(tx *db.Tx) error {
		key, box, err := sealedLabel(tx, sh.ID)
		if err != nil {
			return err
		}
		plain, err := s.need.Open(tx, key, box, labelBound(sh.ID))
		if err != nil {
			return err
		}
		docs = nil
		if err := json.Unmarshal(plain, &docs); err != nil || len(docs) == 0 {
			return fault.New(fault.Internal, "the label of %s cannot be read", sh.Number)
		}
		return s.need.Audit(tx, audit.Entry{Actor: actor, Action: "personal.read", SubjectKind: "shipment", Subject: sh.ID, Purpose: "label"})
	})
	return docs, err
}

// printable is a shipment whose label may be printed now.
func (s *Service) printable(ctx context.Context, ref string) (Shipment, error) {
	var sh Shipment
	err := s.need.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if sh, err = s.Get(tx, ref); err != nil {
			return err
		}
		heads, err := s.need.Orders(tx, []string{sh.OrderID}, false)
		if err != nil {
			return err
		}
		if err := s.notStopped(heads[sh.OrderID]); err != nil && !sh.gone() {
			return err
		}
		if sh.State == Cancelled || sh.labelKey == "" && (sh.Source != FromCourier || sh.Tracking == "") {
			return fault.New(fault.NotFound, "shipment %s has no label", sh.Number)
		}
		return nil
	})
	return sh, err
}

// fetchLabel asks the courier for a label that did not come with the waybill.
func (s *Service) fetchLabel(ctx context.Context, sh Shipment) error {
	c, kind, err := s.need.Courier(ctx, sh.Courier)
	if err != nil {
		return err
	}
	l, ok := c.(courier.Labeller)
	if !ok {
		return fault.New(fault.NotFound, "%s gives no label", kind.Title)
	}
	label, err := l.Labels(ctx, []string{sh.Tracking}, courier.PDF)
	if err != nil {
		return err
	}
	return s.need.DB.Write(ctx, func(tx *db.Tx) error {
		_, now, err := s.open(tx, sh.ID)
		if err != nil || now.labelKey != "" {
			return err
		}
		return s.keepLabels(tx, now, []Document{{string(label.Format), label.Body}})
	})
}

func sealedLabel(tx *db.Tx, id string) (key string, box []byte, err error) {
	type sealed struct {
		key string
		box []byte
	}
	l, err := db.One(tx, func(row db.Scanner) (l sealed, err error) {
		err = row.Scan(db.Text(&l.key), &l.box)
		return l, err
	}, `select label_key, label from dispatch_shipments where id = $1`, id)
	if err == nil && l.key == "" {
		err = fault.New(fault.NotFound, "there is no label")
	}
	return l.key, l.box, err
}

func labelBound(id string) string { return "dispatch_shipments/" + id }

// keepLabels seals labels under a key of their own and stores them with their shipment.
func (s *Service) keepLabels(tx *db.Tx, sh *Shipment, docs []Document) error {
	if len(docs) == 0 || len(docs[0].Body) == 0 {
		return nil
	}
	plain, err := json.Marshal(docs)
	if err != nil {
		return fmt.Errorf("labels: %w", err)
	}
	sealed, err := s.need.Seal(plain, labelBound(sh.ID))
	if err != nil {
		return err
	}
	if err := s.need.KeepKeys(tx, []privacy.Sealed{sealed}); err != nil {
		return err
	}
	sh.LabelFormat, sh.labelKey = docs[0].Format, sealed.KeyID
	_, err = tx.Exec(`update dispatch_shipments set label = $2, label_key = $3, label_format = $4 where id = $1`, sh.ID, sealed.Box, sealed.KeyID, docs[0].Format)
	return err
}

// channelLabels keeps the labels of the channel's packages.
func (s *Service) channelLabels(tx *db.Tx, sh *Shipment, res channel.PackResult) error {
	var docs []Document
	for _, p := range res.Packages {
		if p.Label != nil {
			docs = append(docs, Document{p.Label.Format, p.Label.Body})
		}
	}
	return s.keepLabels(tx, sh, docs)
}
