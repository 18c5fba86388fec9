package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/vault"
)

// rotateFor is how long one request works on a rotation: the next one goes on.
const rotateFor = 5 * time.Second

type credentialList struct {
	Paging
	Owner string `query:"owner" maxLength:"200" doc:"Only of this account (account:ID), subscription, …"`
}

type vaultRotate struct {
	Write
	Body struct {
		Zone string `json:"zone,omitempty" maxLength:"40" doc:"The keys of this residency zone; default: those of the main one"`
	}
}

func (vaultRotate) resource() string { return "vault" }

func (s *Server) vaultRoutes() {
	const tag = "vault"
	read(s, route{path: "/vault", id: "show-vault", title: "What the vault holds, never a value", tag: tag, scope: access.Admin}, func(tx *db.Tx, _ *struct{}) (vault.Status, error) {
		return s.Vault.Status(tx)
	})
	read(s, route{path: "/vault/credentials", id: "list-credentials", title: "Credentials: age, expiry, last use, never a value", tag: tag, scope: access.Admin}, func(tx *db.Tx, in *credentialList) (Page[vault.Credential], error) {
		after, err := credentialCursor(in.After)
		if err != nil {
			return Page[vault.Credential]{}, err
		}
		all, err := vault.List(tx, in.Owner, after, in.Limit+1)
		return page(all, in.Limit, func(c vault.Credential) string {
			return strings.Join([]string{c.Owner, c.Name, strconv.FormatInt(c.Generation, 10)}, "\x1f")
		}), err
	})
	write(s, route{
		path: "/vault/rotate", id: "rotate-vault", title: "Replace the key-encryption key and every key under it, while serving", tag: tag, scope: access.Admin, status: http.StatusAccepted, outside: true,
		text: "Begins, or goes on with, a rotation, works on it for a few seconds, and answers how far it has come; the rest is done in the background. From the first step on the old key opens nothing in this database. Backups from before need it still.",
	}, func(ctx context.Context, c *call, in *vaultRotate) error {
		if zone := in.Body.Zone; zone != "" && zone != vault.MainZone {
			return s.rotateZone(ctx, c, zone)
		}
		r, err := s.Vault.RotateKeys(ctx, c.actor, func(tx *db.Tx, r vault.Rotation) error {
			return s.Audit.Write(tx, audit.Entry{Actor: c.actor, Action: "vault.rotate", SubjectKind: "vault", Subject: r.ID, RequestID: c.request, Detail: map[string]string{"from": r.From, "to": r.To}})
		})
		if err != nil {
			return err
		}
		_, err = s.Vault.Advance(ctx, rotateFor)
		c.about(r.ID)
		return err
	}, s.showRotation)
}

// rotateZone replaces the keys of a residency zone: they and their rotation are in its own store, the audit row is here.
func (s *Server) rotateZone(ctx context.Context, c *call, zone string) error {
	store, err := s.zones().Zone(zone)
	if err != nil {
		return err
	}
	r, err := store.Vault().RotateKeys(db.Along(ctx, nil), c.actor, func(*db.Tx, vault.Rotation) error { return nil })
	if err != nil {
		return err
	}
	if r.Step == "wrap" && r.Seen == 0 { // it begins
		err = s.DB.Write(ctx, func(tx *db.Tx) error {
			return s.Audit.Write(tx, audit.Entry{Actor: c.actor, Action: "vault.rotate", SubjectKind: "vault", Subject: r.ID, RequestID: c.request, Detail: map[string]string{"from": r.From, "to": r.To, "zone": zone}})
		})
		if err != nil {
			return err
		}
	}
	_, err = store.Vault().Advance(db.Along(ctx, nil), rotateFor)
	c.about(zoneOfRotation + zone)
	return err
}

// zoneOfRotation marks the resource of a rotation that is not in the main zone.
const zoneOfRotation = "zone:"

func (s *Server) showRotation(tx *db.Tx, resource string) (r vault.Rotation, err error) {
	zone, far := strings.CutPrefix(resource, zoneOfRotation)
	if !far {
		return vault.Running(tx)
	}
	store, err := s.zones().Zone(zone)
	if err != nil {
		return r, err
	}
	err = store.Look(tx.Context(), func(tx *db.Tx) (err error) {
		r, err = vault.Running(tx)
		return err
	})
	return r, err
}

func credentialCursor(text string) (vault.Credential, error) {
	if text == "" {
		return vault.Credential{}, nil
	}
	parts := strings.Split(text, "\x1f")
	if len(parts) == 3 {
		if n, err := strconv.ParseInt(parts[2], 10, 64); err == nil {
			return vault.Credential{Owner: parts[0], Name: parts[1], Generation: n}, nil
		}
	}
	return vault.Credential{}, fault.Field("after", "is no cursor of this list")
}
