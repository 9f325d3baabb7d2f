// Package appliance is the box: it turns a configuration into services and
// holds what they share.
//
// Parse reads box.yaml, Plan says which services that configuration means, and
// New builds them on one database, one content directory and one link to the
// site. The rooms below do the work: dhcp, tftp, httpboot and pxe answer
// machines, managementpoint and distributionpoint serve agents, sitelink
// follows the site, store remembers, serialconsole shows.
//
// It reads no flags and no environment, and refuses a configuration with a key
// that it does not know. Formats: docs/formats/box-config.md.
package appliance
