"""A SAML provider of identities, with the XML signatures of an implementation that is not ours.

`python saml.py FOLDER` writes what the tests in `src/emulator/logins/saml` are held against.
"""

from __future__ import annotations

import base64
import json
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.signer import SignatureReference, XMLSigner

ENTITY = "https://idp.example"
ARN = "arn:aws:iam::{account}:saml-provider/idp"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
INCLUSIVE = "http://www.w3.org/2006/12/xml-c14n11"
DS = "http://www.w3.org/2000/09/xmldsig#"
SIGNATURE = f"{{{DS}}}Signature"
PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
ASSERTION = "{urn:oasis:names:tc:SAML:2.0:assertion}Assertion"


class Signer(XMLSigner):
    """Signs with SHA-1, too, to show that it is refused, and tells all listed prefixes."""

    def check_deprecated_methods(self) -> None:
        """Lets every method pass."""

    def _build_transforms_for_reference(self, **how: Any) -> None:
        """Adds the prefixes, which signxml 5.2 uses and leaves out."""
        super()._build_transforms_for_reference(**how)
        prefixes = how["reference"].inclusive_ns_prefixes
        if prefixes:
            exclusive = how["transforms_node"][-1]
            etree.SubElement(
                exclusive, f"{{{EXCLUSIVE}}}InclusiveNamespaces", PrefixList=" ".join(prefixes)
            )


@dataclass
class Provider:
    """Signs assertions."""

    key: rsa.RSAPrivateKey = field(
        default_factory=lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )

    def certificate(self) -> str:
        """The certificate of the key in PEM, out of date on purpose."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.example")])
        built = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(1)
            .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
            .not_valid_after(datetime(2021, 1, 1, tzinfo=UTC))
            .sign(self.key, hashes.SHA256())
        )
        return built.public_bytes(serialization.Encoding.PEM).decode()

    def metadata(self) -> str:
        """What the provider publishes about itself."""
        certificate = "".join(self.certificate().splitlines()[1:-1])
        return f"""<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"
 xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="{ENTITY}">
<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
<md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}
</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
</md:IDPSSODescriptor></md:EntityDescriptor>
"""

    def sign(
        self,
        element: etree._Element,
        hashed: str = "sha256",
        form: str = EXCLUSIVE,
        prefixes: list[str] | None = None,
    ) -> etree._Element:
        """The element with a signature after its issuer."""
        place = etree.SubElement(element, SIGNATURE, Id="placeholder", nsmap={"ds": DS})
        element.insert(1, place)
        signer = Signer(
            signature_algorithm=SignatureMethod[f"RSA_{hashed.upper()}"],
            digest_algorithm=DigestAlgorithm[hashed.upper()],
            c14n_algorithm=form,
        )
        return signer.sign(
            element,
            key=self.key,
            cert=self.certificate(),
            reference_uri=[
                SignatureReference(f"#{element.get('ID')}", inclusive_ns_prefixes=prefixes)
            ],
            id_attribute="ID",
            inclusive_ns_prefixes=prefixes,
        )


def response(subject: str, role: str, arn: str, at: datetime) -> etree._Element:
    """A response with an assertion that is good for five minutes around `at`."""
    begin, end = (
        (at + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ") for minutes in (-5, 5)
    )
    return etree.fromstring(f"""<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"
 xmlns:xs="http://www.w3.org/2001/XMLSchema" ID="_response" Version="2.0">
<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">{ENTITY}</saml:Issuer>
<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" Version="2.0" ID="_assertion">
<saml:Issuer>{ENTITY}</saml:Issuer>
<saml:Subject><saml:NameID>{subject}</saml:NameID></saml:Subject>
<saml:Conditions NotBefore="{begin}" NotOnOrAfter="{end}"><saml:AudienceRestriction>
<saml:Audience>urn:amazon:webservices</saml:Audience></saml:AudienceRestriction></saml:Conditions>
<saml:AttributeStatement><saml:Attribute Name="https://aws.amazon.com/SAML/Attributes/Role">
<saml:AttributeValue xsi:type="xs:string">{role},{arn}</saml:AttributeValue></saml:Attribute>
<saml:Attribute Name="team"><saml:AttributeValue>a&amp;b &gt; "c"</saml:AttributeValue>
</saml:Attribute></saml:AttributeStatement></saml:Assertion></samlp:Response>""")


def with_signed_assertion(provider: Provider, document: etree._Element) -> etree._Element:
    """The response with its assertion signed, as it is after its journey."""
    assertion = document.find(ASSERTION)
    document.replace(assertion, provider.sign(assertion))
    return document


def packed(document: etree._Element) -> str:
    """A document as a login token."""
    return base64.b64encode(etree.tostring(document)).decode()


CANONICAL: list[tuple[str, str, list[str]]] = [
    ("spaces in tags and quotes", "<a  y = 'two'\n x=\"1\" ><b\t/></a >", []),
    ("escapes", '<a b="&lt;&gt;&amp;&quot;\'&#9;&#10;&#13; \t">&lt;&gt;&amp;"\'&#13;</a>', []),
    ("line ends", "<a b='1\r\n2'>1\r\n2\r3</a>", []),
    ("sections, comments and instructions", "<a><![CDATA[<&>]]><!-- c -->d<?p  q ?><?p?></a>", []),
    ("unused namespaces", "<a xmlns='u:d' xmlns:x='u:x' xmlns:y='u:y'><x:b/><x:c/></a>", []),
    ("used in an attribute", "<a xmlns:x='u:x'><b x:c='1' c='2' xml:lang='de'/></a>", []),
    ("sorted by namespace", "<a xmlns:z='u:1' xmlns:y='u:2' y:a='' z:b='' b='' a=''/>", []),
    (
        "another meaning",
        "<x:a xmlns:x='u:1'><x:b xmlns:x='u:2'><x:c xmlns:x='u:1'/></x:b></x:a>",
        [],
    ),
    ("two prefixes", "<x:a xmlns:x='u:1' xmlns:y='u:1'><y:b/><x:c y:d=''/></x:a>", []),
    ("the default undone", "<a xmlns='u:d'><b xmlns=''><c/></b><d/></a>", []),
    ("no default to undo", "<x:a xmlns:x='u:x'><b xmlns=''/></x:a>", []),
    ("listed", "<a xmlns:x='u:x' xmlns:y='u:y'><b xmlns:x='u:z'/></a>", ["x"]),
    ("listed and not there", "<a><b/></a>", ["x"]),
    ("letters of all kinds", "<ä ö='ü'>€ 𝄞 &#x1F600;</ä>", []),
]


def main(folder: Path) -> None:
    """Writes the vectors for the tests in Rust."""
    canonical = []
    for why, text, prefixes in CANONICAL:
        element = etree.fromstring(text)
        form = etree.tostring(
            element,
            method="c14n",
            exclusive=True,
            with_comments=False,
            inclusive_ns_prefixes=prefixes or None,
        ).decode()
        canonical.append({"why": why, "xml": text, "prefixes": prefixes, "canonical": form})
    vectors = json.dumps(canonical, indent=1, ensure_ascii=False)
    (folder / "canonical.json").write_text(vectors + "\n")

    provider, other = Provider(), Provider()
    (folder / "metadata.xml").write_text(provider.metadata())
    account = "123456789012"
    role = f"arn:aws:iam::{account}:role/user"
    at = datetime(2027, 1, 15, 8, tzinfo=UTC)

    def fresh() -> etree._Element:
        return response("ann@example", role, ARN.format(account=account), at)

    def assertion(signer: Provider, **how: object) -> etree._Element:
        document = fresh()
        element = document.find(ASSERTION)
        document.replace(element, signer.sign(element, **how))  # type: ignore[arg-type]
        return document

    def without() -> etree._Element:
        document = fresh()
        document.remove(document.find(ASSERTION))
        return document

    def nested() -> etree._Element:
        document = without()
        etree.SubElement(document, f"{{{PROTOCOL}}}Extensions").append(fresh().find(ASSERTION))
        return document

    def failed() -> etree._Element:
        document = fresh()
        status = etree.Element(f"{{{PROTOCOL}}}Status")
        value = "urn:oasis:names:tc:SAML:2.0:status:Responder"
        etree.SubElement(status, f"{{{PROTOCOL}}}StatusCode", Value=value)
        document.insert(1, status)
        return document

    for name, document in {
        "assertion": assertion(provider),
        "prefixes": assertion(provider, prefixes=["xs"]),
        "sha512": assertion(provider, hashed="sha512"),
        "sha1": assertion(provider, hashed="sha1"),
        "inclusive": assertion(provider, form=INCLUSIVE),
        "other_key": assertion(other),
        "response": provider.sign(fresh()),
        "both": provider.sign(assertion(provider)),
        "without": provider.sign(without()),
        "nested": provider.sign(nested()),
        "failed": provider.sign(failed()),
    }.items():
        (folder / f"{name}.xml").write_bytes(etree.tostring(document) + b"\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
